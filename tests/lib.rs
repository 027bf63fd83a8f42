//! Suites around the finished binary.
