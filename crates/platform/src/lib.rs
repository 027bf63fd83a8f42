//! What is written down about a Doorward installation: the proxy configurations it prints
//! (`recipes`) and the objects people declare in files (`declared`). Those two are pure: text and data in,
//! text and data out. `apply` carries a plan out, through the use cases of `engine`.

pub mod apply;
pub mod declared;
pub mod houston;
pub mod limits;
pub mod recipes;
