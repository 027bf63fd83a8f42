//! Which user somebody outside is. Pure: what is known in, the decision out. An e-mail address or a name that is the
//! same never makes two people one; only a link does, or an address both sides have proved, of a domain for which the
//! provider's word is the last.

use crate::federation::ExternalIdentity;
use crate::federation::settings::Linking;
use doorward_model::id::UserId;
use doorward_model::name::{EmailAddress, UserName};

/// A user who is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Who.
    pub id: UserId,
    /// Whether the user's e-mail address is proved here.
    pub email_verified: bool,
    /// Whether somebody outside is that user already: addresses are given to others, and a second person must not
    /// become the first.
    pub is_linked: bool,
    /// Whether whoever knows the user's password may say that it is them: the user is active, has one, and nobody at
    /// this provider is that user.
    pub can_prove: bool,
}

/// What is known here of somebody outside.
#[derive(Debug, Default)]
pub struct Known {
    /// The user they are linked with.
    pub linked: Option<UserId>,
    /// The user with the same e-mail address.
    pub same_email: Option<Present>,
    /// Users who have their name, or one's name is the other's e-mail address, and several who share the address.
    pub taken_by: Vec<Present>,
}

/// Who they are here.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// This user, as ever.
    Linked(UserId),
    /// This user, from now on: both sides have proved the same address.
    Link(UserId),
    /// A new user of this name.
    Create(UserName),
    /// This user, if they know its password.
    Prove(UserId),
    /// Nobody.
    Refuse(Why),
}

/// Why somebody is nobody here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Only people who are known already come in.
    Unknown,
    /// The provider tells no name that a user could have.
    NoName,
    /// A user of that name, or with that e-mail address, is there already and may be somebody else.
    Taken,
}

/// Decides.
pub fn decide(policy: &Linking, identity: &ExternalIdentity, known: Known) -> Decision {
    if let Some(user) = known.linked {
        return Decision::Linked(user);
    }
    if let Some(user) = &known.same_email
        && user.email_verified
        && is_authoritative(policy, identity)
    {
        return if user.is_linked { Decision::Refuse(Why::Taken) } else { Decision::Link(user.id.clone()) };
    }
    let mut in_the_way = known.same_email.iter().chain(&known.taken_by);
    if let Some(first) = in_the_way.next()
        && policy.by_password
        && first.can_prove
        && in_the_way.all(|other| other.id == first.id)
    {
        return Decision::Prove(first.id.clone());
    }
    if known.same_email.is_some() {
        return Decision::Refuse(Why::Taken);
    }
    if !policy.create {
        return Decision::Refuse(Why::Unknown);
    }
    let Some(name) = identity.name.as_deref().and_then(|name| UserName::parse(name).ok()) else {
        return Decision::Refuse(Why::NoName);
    };
    if known.taken_by.is_empty() { Decision::Create(name) } else { Decision::Refuse(Why::Taken) }
}

/// Whether the provider has proved an address of which its word is the last.
pub fn is_authoritative(policy: &Linking, identity: &ExternalIdentity) -> bool {
    identity.email.as_ref().is_some_and(|email| identity.email_verified && links_by(policy, email))
}

/// Whether the provider's word is the last for addresses like this one, so that a proved one links.
pub fn links_by(policy: &Linking, email: &EmailAddress) -> bool {
    // The address was parsed: it has one `@`, and what follows is a domain in lower case.
    let domain = email.as_str().rsplit_once('@').map(|(_, domain)| domain);
    domain.is_some_and(|domain| policy.domains.iter().any(|own| own.eq_ignore_ascii_case(domain)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_model::dice::Dice;
    use doorward_model::name::{BadName, EmailAddress};

    struct Ones;
    impl Dice for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(1);
        }
    }

    struct Twos;
    impl Dice for Twos {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(2);
        }
    }

    fn policy(create: bool, domains: &[&str]) -> Linking {
        let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
        Linking { create, domains, by_password: false }
    }

    fn present(id: &UserId) -> Present {
        Present { id: id.clone(), email_verified: false, is_linked: false, can_prove: true }
    }

    fn alice(email_verified: bool) -> Result<ExternalIdentity, BadName> {
        let email = Some(EmailAddress::parse("alice@example.com")?);
        Ok(ExternalIdentity { name: Some("Alice".to_owned()), email, email_verified, ..ExternalIdentity::default() })
    }

    #[test]
    fn a_link_is_enough_and_an_address_alone_never() -> Result<(), BadName> {
        let id = UserId::draw(&Ones);
        let linked = Known { linked: Some(id.clone()), ..Known::default() };
        assert_eq!(decide(&policy(false, &[]), &alice(false)?, linked), Decision::Linked(id.clone()));
        let ours = ["example.com"];
        // Proved there, proved here, a domain of theirs: any one missing, and they stay two.
        for (there, here, domains, decided) in [
            (true, true, &ours[..], Decision::Link(id.clone())),
            (false, true, &ours[..], Decision::Refuse(Why::Taken)),
            (true, false, &ours[..], Decision::Refuse(Why::Taken)),
            (true, true, &["example.org"][..], Decision::Refuse(Why::Taken)),
            (true, true, &["com"][..], Decision::Refuse(Why::Taken)),
            (true, true, &[][..], Decision::Refuse(Why::Taken)),
        ] {
            for is_linked in [false, true] {
                let same_email = Some(Present { email_verified: here, is_linked, ..present(&id) });
                let known = Known { same_email, ..Known::default() };
                let decided = if is_linked { &Decision::Refuse(Why::Taken) } else { &decided };
                let found = decide(&policy(true, domains), &alice(there)?, known);
                assert_eq!(&found, decided, "{there} {here} {domains:?} {is_linked}");
            }
        }
        Ok(())
    }

    #[test]
    fn somebody_new_gets_a_user_only_with_a_name_nobody_has() -> Result<(), BadName> {
        let name = UserName::parse("alice")?;
        assert_eq!(decide(&policy(true, &[]), &alice(false)?, Known::default()), Decision::Create(name));
        assert_eq!(decide(&policy(false, &[]), &alice(true)?, Known::default()), Decision::Refuse(Why::Unknown));
        let taken = Known { taken_by: vec![present(&UserId::draw(&Ones))], ..Known::default() };
        assert_eq!(decide(&policy(true, &["example.com"]), &alice(true)?, taken), Decision::Refuse(Why::Taken));
        for odd in [None, Some(""), Some(" "), Some("a b"), Some("x\u{0}")] {
            let nameless = ExternalIdentity { name: odd.map(str::to_owned), ..alice(true)? };
            assert_eq!(decide(&policy(true, &[]), &nameless, Known::default()), Decision::Refuse(Why::NoName));
        }
        Ok(())
    }

    #[test]
    fn a_password_is_asked_for_where_exactly_one_user_is_in_the_way() -> Result<(), BadName> {
        let id = UserId::draw(&Ones);
        let by_password = |create| Linking { by_password: true, ..policy(create, &["example.com"]) };
        let prove = || Decision::Prove(id.clone());
        let taken = || Decision::Refuse(Why::Taken);
        let named = |present: Present| Known { taken_by: vec![present], ..Known::default() };
        let mailed = |present: Present| Known { same_email: Some(present), ..Known::default() };
        let shut = || Present { can_prove: false, ..present(&id) };
        for (known, decided) in [
            (named(present(&id)), prove()),
            (mailed(present(&id)), prove()),
            (Known { same_email: Some(present(&id)), ..named(present(&id)) }, prove()),
            (named(shut()), taken()),
            (mailed(shut()), taken()),
            // Where an address that both have proved would do, a user somebody else is already stays theirs.
            (mailed(Present { email_verified: true, is_linked: true, ..present(&id) }), taken()),
        ] {
            let shown = format!("{known:?}");
            assert_eq!(decide(&by_password(true), &alice(true)?, known), decided, "{shown}");
        }
        let other = UserId::draw(&Twos);
        let two = Known { same_email: Some(present(&other)), ..named(present(&id)) };
        assert_eq!(decide(&by_password(true), &alice(true)?, two), taken());
        assert_eq!(decide(&by_password(false), &alice(true)?, named(present(&id))), prove());
        assert_eq!(decide(&policy(true, &[]), &alice(true)?, named(present(&id))), taken());
        Ok(())
    }
}
