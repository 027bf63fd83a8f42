//! Signing a message of ours, for providers that want it in a form.

use crate::names::{DS, ENVELOPED, EXCLUSIVE, SHA256};
use crate::own_key::OwnKey;
use crate::scan::Kind;
use crate::signature::canonical;
use crate::trouble::Trouble;
use crate::xml::{Tree, escaped};
use aws_lc_rs::digest::{self, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const FAILED: Trouble = Trouble::OwnKey("it could not sign a message");

/// The message with a signature behind its issuer, which is its first element.
///
/// # Errors
/// [`Trouble::OwnKey`]
pub fn enveloped(message: &str, key: &OwnKey) -> Result<String, Trouble> {
    let tree = Tree::read(message.as_bytes(), Kind::Message)?;
    let root = tree.root()?;
    let issuer = root.children().next().and_then(|issuer| issuer.range()).ok_or(FAILED)?;
    let (Some(before), Some(after)) = (message.get(..issuer.end), message.get(issuer.end..)) else {
        return Err(FAILED);
    };
    let found = STANDARD.encode(digest(&digest::SHA256, &canonical(root, None, &[])?));
    let id = escaped(root.attribute("ID").ok_or(FAILED)?);
    let method = key.algorithm();
    // Written in its canonical form already, so it is signed as it stands here.
    let info = format!(
        "<ds:SignedInfo xmlns:ds=\"{DS}\"><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform>\
         </ds:Transforms><ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
         <ds:DigestValue>{found}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    );
    let signature = STANDARD.encode(key.sign(info.as_bytes())?);
    let certificate = key.certificate();
    Ok(format!(
        "{before}<ds:Signature xmlns:ds=\"{DS}\">{info}<ds:SignatureValue>{signature}</ds:SignatureValue><ds:KeyInfo>\
         <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::enveloped;
    use crate::certificate::Key;
    use crate::scan::Kind;
    use crate::signature::is_signed;
    use crate::tests::own_key;
    use crate::trouble::Trouble;
    use crate::xml::Tree;

    #[test]
    fn what_we_sign_is_signed() -> Result<(), Trouble> {
        let own = own_key()?;
        let keys = [Key::of_certificate(own.certificate())?];
        let message = "<p:a xmlns:p=\"urn:p\" ID=\"_x\" B=\"1\"><p:i>ä &amp; b</p:i> <p:c/></p:a>";
        let signed = enveloped(message, &own)?;
        assert!(is_signed(Tree::read(signed.as_bytes(), Kind::Message)?.root()?, &keys)?);
        assert!(!is_signed(Tree::read(message.as_bytes(), Kind::Message)?.root()?, &keys)?);
        for (from, to) in [("B=\"1\"", "B=\"2\""), ("<p:c/>", "<p:d/>"), ("&amp;", "&lt;"), ("urn:p", "urn:q")] {
            let changed = signed.replacen(from, to, 1);
            assert!(is_signed(Tree::read(changed.as_bytes(), Kind::Message)?.root()?, &keys).is_err(), "{from}");
        }
        Ok(())
    }
}
