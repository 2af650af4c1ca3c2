//! Finding images of one set that come again in another, such as test images among those to learn
//! from.
//!
//! An image comes again if it was resized, recompressed, mirrored, changed in brightness or
//! contrast, or cropped to no less than half of its sides; also if the other one is the crop.
//!
//! A [`hash`] of an image's coarsest structure is compared with that of every [`window`] of every
//! other image: windows stand for possible crops. Hashes that nearly agree only say where to look:
//! there, the [`alignment`] of both images is refined, and their [`thumbnail`]s are correlated.
//! [`search`] does all of this.

pub mod alignment;
pub mod hash;
pub mod search;
pub mod set;
pub mod thumbnail;
pub mod window;

pub use search::{DEFAULT_DISTANCE, Pair, Part, near_duplicates};
pub use set::Set;
