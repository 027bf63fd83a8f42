//! What is written down about a Doorward installation: the proxy configurations it prints
//! (`recipes`) and the objects people declare in files (`declared`). Pure text and data in, pure text
//! and data out: no files, no sockets, no store.

pub mod declared;
pub mod limits;
pub mod recipes;
