//! Decoding files with models of another lineage, which the codec refuses.
//!
//! This shows what the entropy id in a file's header protects from. Both functions replace that id
//! by the one of the decoding model.

use heirloom_codec::{DecodeError, DecodeOptions, Image, Model};
use heirloom_format::container::{Header, Limits, parse, write};

/// Decodes a file with a model that is not of its lineage. A latent that the model cannot read is
/// replaced by its expectation; `None` if there is no image at all.
#[must_use]
pub fn decode(model: &Model, bytes: &[u8]) -> Option<Image> {
    let mut file = parse(bytes, &Limits::none()).ok()?;
    claim_lineage(&mut file.header, model);
    let partial = model.decode_partial(&write(&file).ok()?, &DecodeOptions::default()).ok()?;
    Some(partial.image)
}

/// Reconstructs an image from the latents that the `writer` of a file finds, with a `decoder` that
/// is not of its lineage. This flatters the decoder, which could not have read the file.
///
/// # Errors
/// Files that the writer does not decode, and decoders of another architecture.
pub fn reconstruct(writer: &Model, decoder: &Model, bytes: &[u8]) -> Result<Image, DecodeError> {
    let options = DecodeOptions::default();
    let mut latents = writer.decode_latents(bytes, &options)?;
    claim_lineage(&mut latents.header, decoder);
    decoder.reconstruct(&latents, &options)
}

fn claim_lineage(header: &mut Header, model: &Model) {
    // Headers hold the first bytes of the id.
    for (to, from) in header.entropy_id.iter_mut().zip(model.metadata().lineage.entropy_id.0) {
        *to = from;
    }
}
