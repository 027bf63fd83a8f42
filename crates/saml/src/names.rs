//! Names the standards give: namespaces, bindings, formats, algorithms.

/// Assertions (SAML Core §1.1).
pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Protocol messages (SAML Core §1.1).
pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// Metadata (SAML Metadata §1.1).
pub const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// Signatures (XML Signature §1.3).
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Encryption (XML Encryption §1.3).
pub const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// Encryption, what version 1.1 adds.
pub const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";

/// In the query of a redirect (SAML Bindings §3.4).
pub const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// In a form the browser posts (SAML Bindings §3.5).
pub const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// The confirmation of whoever brings it (SAML Profiles §3.3).
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// What stands in the status of an answer that is one.
pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// The status of an answer to a request that cannot be followed.
pub const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";

/// A name that is nobody else's, ever, at one provider for one party (SAML Core §8.3.7).
pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
/// A name for one session (SAML Core §8.3.8).
pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// An e-mail address (SAML Core §8.3.2).
pub const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
/// Whatever the provider means (SAML Core §8.3.1); also meant by saying nothing.
pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
/// The name of a provider itself (SAML Core §8.3.6).
pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";

/// Exclusive canonicalisation without comments: the only one.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The signature leaves itself out of what it signs.
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// RSA PKCS #1 v1.5 with SHA-256, which is also what we sign with (RFC 4051 §2.3.2).
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// Digests: SHA-256.
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
