//! Signatures in documents (XML Signature Syntax and Processing, as SAML Core §5 narrows it down). The reader of a document
//! makes one tree; what is digested is that tree, and what is used afterwards is the very element that was digested.

use crate::certificate::{Key, is_strong};
use crate::limits;
use crate::names::{DS, ENVELOPED, EXCLUSIVE};
use crate::trouble::Trouble;
use crate::xml::{Node, Tree};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{self, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra_c14n::exclusive::canonicalize;
use bergshamra_xml::NodeSet;
use std::collections::BTreeSet;

const DIGESTS: [(&str, &digest::Algorithm); 3] = [
    ("http://www.w3.org/2001/04/xmlenc#sha256", &digest::SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", &digest::SHA384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", &digest::SHA512),
];

/// The shape every message must have before any of its signatures is looked at: ids that are there once, and at most two
/// signatures, each of them of the element it stands in.
///
/// # Errors
/// [`Trouble::Signature`], [`Trouble::Xml`]
pub fn check_shape(tree: &Tree<'_>, may_be_signed: &[(&str, &str)]) -> Result<(), Trouble> {
    let (mut ids, mut signatures) = (BTreeSet::new(), 0);
    for node in tree.elements() {
        for (name, value) in node.attributes() {
            let is_id = name.eq_ignore_ascii_case("id") || name == "AssertionID";
            if is_id && !ids.insert(value) {
                return Err(Trouble::Signature("two elements have the same id"));
            }
        }
        if node.is(DS, "Signature") {
            signatures += 1;
            let fits = node.parent().is_some_and(|at| may_be_signed.iter().any(|(space, name)| at.is(space, name)));
            if !fits || signatures > limits::SIGNATURES {
                return Err(Trouble::Signature("there are too many, or one stands where none belongs"));
            }
        }
    }
    Ok(())
}

/// Whether an element is signed by one of these keys: it, whole, by the signature that stands in it.
///
/// # Errors
/// [`Trouble::Signature`]: there is a signature, and it is not good. No signature is no error, and `false`.
pub fn is_signed(element: Node<'_>, keys: &[Key]) -> Result<bool, Trouble> {
    let Some(signature) = element.child(DS, "Signature")? else { return Ok(false) };
    let parts: Vec<Node<'_>> = signature.children().collect();
    let names: Vec<&str> = parts.iter().filter(|part| part.is(DS, part.name())).map(|part| part.name()).collect();
    if !matches!(names.as_slice(), ["SignedInfo", "SignatureValue"] | ["SignedInfo", "SignatureValue", "KeyInfo"])
        || names.len() != parts.len()
        || !signature.has_only_elements()
    {
        return Err(Trouble::Signature("it has other parts than a signature has"));
    }
    let (Some(info), Some(value)) = (parts.first(), parts.get(1)) else { return Ok(false) };
    check_digest(element, signature, *info)?;
    let method = algorithm(*info, "SignatureMethod")?;
    if !is_strong(method) {
        return Err(Trouble::Signature("its algorithm is not one of RSA or ECDSA with SHA-2"));
    }
    let prefixes = exclusive(info.child(DS, "CanonicalizationMethod")?)?;
    let signed = canonical(*info, None, &prefixes)?;
    let value = bytes(*value)?;
    if keys.iter().any(|key| key.has_signed(method, &signed, &value)) {
        return Ok(true);
    }
    Err(Trouble::Signature("none of the provider's certificates made it"))
}

/// Whether what the signature says it signs is the element it stands in, as it is now.
fn check_digest(element: Node<'_>, signature: Node<'_>, info: Node<'_>) -> Result<(), Trouble> {
    let parts: Vec<&str> = info.children().filter(|part| part.is(DS, part.name())).map(Node::name).collect();
    if parts != ["CanonicalizationMethod", "SignatureMethod", "Reference"] || info.children().count() != parts.len() {
        return Err(Trouble::Signature("it signs several things, or says it in another way than SAML does"));
    }
    let Some(reference) = info.child(DS, "Reference")? else { return Err(Trouble::Signature("it signs nothing")) };
    let id = element.attribute("ID").filter(|id| !id.is_empty());
    let target = reference.attribute("URI").and_then(|uri| uri.strip_prefix('#'));
    if id.is_none() || target != id {
        return Err(Trouble::Signature("it signs something else than the element it stands in"));
    }
    let parts: Vec<&str> = reference.children().filter(|part| part.is(DS, part.name())).map(Node::name).collect();
    if parts != ["Transforms", "DigestMethod", "DigestValue"] || reference.children().count() != parts.len() {
        return Err(Trouble::Signature("its reference has other parts than SAML's have"));
    }
    let prefixes = match reference.child(DS, "Transforms")? {
        Some(transforms) => transformed(transforms)?,
        None => return Err(Trouble::Signature("its reference is not transformed")),
    };
    let method = algorithm(reference, "DigestMethod")?;
    let known = DIGESTS.iter().find(|(name, _)| *name == method);
    let (_, how) = known.ok_or(Trouble::Signature("its digest is not one of SHA-2"))?;
    let Some(said) = reference.child(DS, "DigestValue")? else { return Err(Trouble::Signature("it has no digest")) };
    let found = digest(how, &canonical(element, Some(signature), &prefixes)?);
    verify_slices_are_equal(found.as_ref(), &bytes(said)?)
        .map_err(|_| Trouble::Signature("what it signs was changed afterwards"))
}

/// The two transforms of SAML (SAML Core §5.4.4); the prefixes the second one keeps.
fn transformed(transforms: Node<'_>) -> Result<Vec<String>, Trouble> {
    let all: Vec<Node<'_>> = transforms.children().collect();
    let [first, second] = all.as_slice() else {
        return Err(Trouble::Signature("it is transformed in another way than SAML's are"));
    };
    let is_transform = |node: &Node<'_>| node.is(DS, "Transform");
    if !all.iter().all(is_transform)
        || first.attribute("Algorithm") != Some(ENVELOPED)
        || first.children().next().is_some()
    {
        return Err(Trouble::Signature("it is transformed in another way than SAML's are"));
    }
    exclusive(Some(*second))
}

/// The prefixes exclusive canonicalisation is told to keep.
fn exclusive(method: Option<Node<'_>>) -> Result<Vec<String>, Trouble> {
    let Some(method) = method.filter(|method| method.attribute("Algorithm") == Some(EXCLUSIVE)) else {
        return Err(Trouble::Signature("its canonicalisation is not the exclusive one"));
    };
    let inner: Vec<Node<'_>> = method.children().collect();
    match inner.as_slice() {
        [] => Ok(Vec::new()),
        [kept] if kept.is(EXCLUSIVE, "InclusiveNamespaces") && kept.children().next().is_none() => {
            let list = kept.attribute("PrefixList").unwrap_or_default();
            let prefixes: Vec<String> = list.split_ascii_whitespace().map(str::to_owned).collect();
            // Each is looked at for each element, before any key is tried.
            if prefixes.len() > limits::PREFIXES {
                return Err(Trouble::Signature("its canonicalisation keeps more prefixes than anybody uses"));
            }
            Ok(prefixes)
        }
        _ => Err(Trouble::Signature("its canonicalisation has parameters that are not known")),
    }
}

fn algorithm<'t>(node: Node<'t>, name: &'t str) -> Result<&'t str, Trouble> {
    let Some(method) = node.child(DS, name)? else { return Err(Trouble::Signature("it names no algorithm")) };
    if method.children().next().is_some() {
        return Err(Trouble::Signature("its algorithm has parameters that are not known"));
    }
    method.attribute("Algorithm").ok_or(Trouble::Signature("it names no algorithm"))
}

fn bytes(node: Node<'_>) -> Result<Vec<u8>, Trouble> {
    let compact: String = node.text()?.split_ascii_whitespace().collect();
    let decoded = STANDARD.decode(compact).map_err(|_| Trouble::Signature("a value of it is not base64"))?;
    if decoded.is_empty() { Err(Trouble::Signature("a value of it is empty")) } else { Ok(decoded) }
}

/// An element in its canonical form, without one inside it.
pub(crate) fn canonical(node: Node<'_>, without: Option<Node<'_>>, prefixes: &[String]) -> Result<Vec<u8>, Trouble> {
    let document = &node.tree.document;
    let mut set = NodeSet::tree_without_comments(node.id, document);
    if let Some(without) = without {
        set.remove_id(without.id);
        for inner in document.descendants(without.id) {
            set.remove_id(inner);
        }
    }
    let written = canonicalize(document, false, Some(&set), prefixes);
    let written = written.map_err(|_| Trouble::Signature("what it signs has no canonical form"))?;
    // Never the digest of nothing.
    if written.is_empty() { Err(Trouble::Signature("what it signs has no canonical form")) } else { Ok(written) }
}
