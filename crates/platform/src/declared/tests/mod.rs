//! Tables over reading and planning.

mod parse;
mod plan;
