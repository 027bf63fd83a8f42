//! Every limit of the pages. These bound what is shown; what is accepted is bounded by the caller.

/// Letters shown on an avatar or on a tile without a symbol: more do not fit its square.
pub(super) const INITIALS_MAX: usize = 2;

/// Number of tile colours in the stylesheet (`.hue-0` to `.hue-7`).
pub(super) const HUES: u64 = 8;
