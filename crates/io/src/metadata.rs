//! How image formats mark their metadata.

/// Prefix that some formats put before Exif; it is not part of the Exif data.
pub(crate) const EXIF_PREFIX: &[u8] = b"Exif\0\0";
/// Keyword of the iTXt chunk that holds XMP in a PNG file.
pub(crate) const PNG_XMP: &str = "XML:com.adobe.xmp";
