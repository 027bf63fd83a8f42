//! A document that was looked at before it is read, and its elements. Names are compared with their namespaces, attributes are
//! those without one, text is all of an element's text: what is read is what a signature covers, nothing else.

use crate::limits;
use crate::scan::{self, Kind};
use crate::trouble::Trouble;
use uppsala::{Document, NodeId, NodeKind, Parser};

/// A document, read once.
pub struct Tree<'x> {
    pub(crate) document: Document<'x>,
}

/// An element of it.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    pub(crate) tree: &'t Tree<'t>,
    pub(crate) id: NodeId,
}

impl<'x> Tree<'x> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Trouble::Xml`]
    pub fn read(bytes: &'x [u8], kind: Kind) -> Result<Self, Trouble> {
        let text = scan::text(bytes, kind)?;
        let depth = u32::try_from(limits::DEPTH).unwrap_or(u32::MAX) + 1;
        let parser = Parser::new().with_forbid_dtd(true).with_forbid_entities(true).with_max_depth(depth);
        let document = parser.parse(text).map_err(|_| Trouble::Xml("it is not well-formed XML"))?;
        Ok(Self { document })
    }

    /// Its root.
    ///
    /// # Errors
    /// [`Trouble::Xml`]
    pub fn root(&self) -> Result<Node<'_>, Trouble> {
        let id = self.document.document_element().ok_or(Trouble::Xml("it has no root"))?;
        Ok(Node { tree: self, id })
    }

    /// Every element in the order of the text.
    pub fn elements(&self) -> impl Iterator<Item = Node<'_>> {
        let all = self.document.descendants(self.document.root());
        all.into_iter().filter(|id| self.document.element(*id).is_some()).map(|id| Node { tree: self, id })
    }
}

impl<'t> Node<'t> {
    /// Whether it has this name.
    pub fn is(self, namespace: &str, name: &str) -> bool {
        self.tree.document.element(self.id).is_some_and(|element| element.name.matches(Some(namespace), name))
    }

    /// Its name without the namespace.
    pub fn name(self) -> &'t str {
        self.tree.document.element(self.id).map_or("", |element| &element.name.local_name)
    }

    /// An attribute without a namespace.
    pub fn attribute(self, name: &str) -> Option<&'t str> {
        let element = self.tree.document.element(self.id)?;
        let found = element.attributes.iter().find(|attribute| attribute.name.matches(None, name))?;
        Some(&found.value)
    }

    /// Names and values of all its attributes without a namespace.
    pub fn attributes(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        let element = self.tree.document.element(self.id);
        let all = element.map_or(&[][..], |element| &element.attributes).iter();
        all.filter(|one| one.name.namespace_uri.is_none()).map(|one| (&*one.name.local_name, &*one.value))
    }

    /// The element around it.
    pub fn parent(self) -> Option<Node<'t>> {
        let id = self.tree.document.parent(self.id)?;
        self.tree.document.element(id).map(|_| Node { tree: self.tree, id })
    }

    /// The elements in it.
    pub fn children(self) -> impl Iterator<Item = Node<'t>> {
        let tree = self.tree;
        let inner = tree.document.children_iter(self.id);
        inner.filter(|id| tree.document.element(*id).is_some()).map(move |id| Node { tree, id })
    }

    /// The elements of a name in it.
    pub fn all(self, namespace: &'t str, name: &'t str) -> impl Iterator<Item = Node<'t>> {
        self.children().filter(move |node| node.is(namespace, name))
    }

    /// The one element of a name in it.
    ///
    /// # Errors
    /// [`Trouble::Xml`] when there are several: two readers could take one each.
    pub fn child(self, namespace: &'t str, name: &'t str) -> Result<Option<Node<'t>>, Trouble> {
        let mut found = self.all(namespace, name);
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(Trouble::Xml("an element that stands once stands there twice")),
        }
    }

    /// All its text.
    ///
    /// # Errors
    /// [`Trouble::Xml`] when there are elements in it.
    pub fn text(self) -> Result<String, Trouble> {
        match self.children().next() {
            None => Ok(self.tree.document.text_content_deep(self.id)),
            Some(_) => Err(Trouble::Xml("an element stands where text belongs")),
        }
    }

    /// Whether there is nothing but elements and space in it.
    pub fn has_only_elements(self) -> bool {
        let document = &self.tree.document;
        let fits = |id: NodeId| match document.node_kind(id) {
            Some(NodeKind::Element(_)) => true,
            Some(NodeKind::Text(text)) => text.chars().all(char::is_whitespace),
            _ => false,
        };
        document.children_iter(self.id).all(fits)
    }

    /// Where it stands in the text.
    pub fn range(self) -> Option<std::ops::Range<usize>> {
        self.tree.document.node_range(self.id)
    }
}

/// Text as it stands in an element or an attribute.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#x{:X};", letter as u32)),
            _ => out.push(letter),
        }
    }
    out
}
