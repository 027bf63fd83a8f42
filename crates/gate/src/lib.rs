//! The gate's dialects: how each proxy asks and how it wants to be answered. Every adapter turns a
//! request into the same question and the same verdict into its proxy's words; none holds a rule.

pub mod answer;
pub mod ask;
pub mod certificate;
pub mod dialect;
pub mod grpc;
pub mod headers;
mod kept;
pub mod pages;
pub mod query;
pub mod refuse;
mod tell;
pub mod trust;
