/* Heirloom: a learned image codec that keeps learning while every file it ever wrote stays decodable.
 *
 * Written by cbindgen from the sources of heirloom-capi; do not edit. docs/C.md is the guide.
 *
 * Functions may be called from any thread. A handle may be used by several at once while none of them changes
 * it. Until version 1.0, structures and functions may change with every release: compile anew. */

#ifndef HEIRLOOM_H
#define HEIRLOOM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// What became of a call.
typedef enum heirloom_status {
  // Everything was done.
  HEIRLOOM_STATUS_OK = 0,
  // The bytes are not a Heirloom file.
  HEIRLOOM_STATUS_NOT_HEIRLOOM = 1,
  // A newer version of this library may be able to do it.
  HEIRLOOM_STATUS_UNSUPPORTED = 2,
  // The file was altered after it was written.
  HEIRLOOM_STATUS_DAMAGED = 3,
  // The end of the file is missing.
  HEIRLOOM_STATUS_CUT_SHORT = 4,
  // The file needs a model that was not given.
  HEIRLOOM_STATUS_UNKNOWN_MODEL = 5,
  // The image needs more memory or pixels than is allowed.
  HEIRLOOM_STATUS_OVER_LIMIT = 6,
  // A parameter of the call, or a value in the file, is impossible.
  HEIRLOOM_STATUS_BAD_PARAMETER = 7,
  // A model file is not usable.
  HEIRLOOM_STATUS_BAD_MODEL = 8,
  // A defect of this library, or threads that could not be started.
  HEIRLOOM_STATUS_INTERNAL = 9,
} heirloom_status;

// When tiles of an image are stored without loss.
typedef enum heirloom_lossless {
  // Where the model would make them worse or larger, as in most screenshots and drawings.
  HEIRLOOM_LOSSLESS_WHERE_BETTER = 0,
  // Always, also the colour beneath wholly transparent pixels.
  HEIRLOOM_LOSSLESS_ALWAYS = 1,
  // Never.
  HEIRLOOM_LOSSLESS_NEVER = 2,
} heirloom_lossless;

// Options of decoding. May be used by several threads at once while none of them changes it.
typedef struct heirloom_decoder heirloom_decoder;

// Options of encoding. May be used by several threads at once while none of them changes it.
typedef struct heirloom_encoder heirloom_encoder;

// Bytes that belong to somebody else; null and 0 if there are none.
typedef struct heirloom_blob {
  // The first byte.
  const uint8_t *data;
  // Number of bytes.
  size_t size;
} heirloom_blob;

// An image, and its metadata. Initialise it with `{0}`.
//
// Images that this library makes belong to it and are freed by heirloom_image_free(). For encoding, fill in
// all members but `owner`, which stays null.
typedef struct heirloom_image {
  // Width in pixels.
  uint32_t width;
  // Height in pixels.
  uint32_t height;
  // 1: grey; 2: grey, alpha; 3: red, green, blue; 4: red, green, blue, alpha. Alpha is not premultiplied.
  uint32_t channels;
  // Bits of a sample: 8 or 16. Samples of 16 bits are in this machine's byte order. All values are in use.
  uint32_t bits;
  // Rows from the top, pixels from the left. Null where only metadata was read.
  void *pixels;
  // Bytes from one row to the next; in images to encode, 0 stands for rows without gaps.
  size_t stride;
  // ICC profile.
  struct heirloom_blob icc;
  // Exif: a TIFF structure, without the prefix that it has in JPEG files.
  struct heirloom_blob exif;
  // XMP packet, in UTF-8.
  struct heirloom_blob xmp;
  // What this library frees.
  void *owner;
} heirloom_image;

// A file in memory, which heirloom_bytes_free() frees.
typedef struct heirloom_bytes {
  // The first byte.
  uint8_t *data;
  // Number of bytes.
  size_t size;
} heirloom_bytes;

// What a file says about itself.
typedef struct heirloom_info {
  // Width in pixels.
  uint32_t width;
  // Height in pixels.
  uint32_t height;
  // Number of channels, 1 to 4, as in heirloom_image.
  uint32_t channels;
  // Bits of a sample: 8 or 16.
  uint32_t bits;
  // The rate-distortion multiplier that the image was encoded with.
  float lambda;
  // Number of the generation that wrote the file.
  uint32_t generation;
  // Number of tiles.
  size_t tiles;
  // Number of tiles that are stored without loss.
  size_t lossless_tiles;
  // Names the lineage of models that decode the file: 16 hexadecimal digits and a 0.
  char entropy_id[17];
  // Names the generation that wrote the file: 8 hexadecimal digits and a 0.
  char generation_id[9];
} heirloom_info;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// What was wrong with this thread's last call that failed: what, where, and what can be done about it, in
// UTF-8. An empty text before the first one. It is valid until the thread's next call that fails.
const char *heirloom_last_error(void);

// Sets the number of threads that images are coded in, of all calls together; 0 stands for one per core,
// which is the default. Waits until calls that are under way have ended. Results do not depend on it.
void heirloom_set_threads(size_t count);

// Ends the threads, when calls that are under way have ended. The next call starts them again. For programs
// that unload this library.
void heirloom_stop_threads(void);

// Frees an image that this library has made, and clears the structure. Doing it again, or with an image
// whose `owner` is null, does nothing.
//
// What the pointers must be:
// `image` is null or points to a heirloom_image whose `owner` is null or was set by this library.
void heirloom_image_free(struct heirloom_image *image);

// Frees a file that heirloom_encode() has made, and clears the structure. Doing it again does nothing.
//
// What the pointers must be:
// `bytes` is null or points to a heirloom_bytes that is cleared or was filled by this library.
void heirloom_bytes_free(struct heirloom_bytes *bytes);

// Whether bytes are the beginning of a Heirloom file. The first 8 suffice.
//
// What the pointers must be:
// `data` points to `size` bytes.
bool heirloom_is_heirloom(const uint8_t *data, size_t size);

// Reads what a file says about itself, and verifies all of its checksums. No pixels are decoded.
//
// What the pointers must be:
// `data` points to `size` bytes, `info` to a structure that is filled in.
enum heirloom_status heirloom_read_info(const uint8_t *data,
                                        size_t size,
                                        struct heirloom_info *info);

// Reads size, format and metadata of an image, which stand at the beginning of a file. No pixels are decoded,
// and what follows may be missing. The image is freed by heirloom_image_free().
//
// What the pointers must be:
// `data` points to `size` bytes, `image` to a structure that is filled in, of which nothing is freed before.
enum heirloom_status heirloom_read_head(const uint8_t *data,
                                        size_t size,
                                        struct heirloom_image *image);

// The version of this library, such as "0.1.0".
const char *heirloom_version(void);

// A decoder with the default model, for whole images of at most 2^28 pixels, in at most 2 GiB of memory.
struct heirloom_decoder *heirloom_decoder_new(void);

// Frees a decoder.
//
// What the pointers must be:
// `decoder` is null, or comes from heirloom_decoder_new() and is not used any more.
void heirloom_decoder_free(struct heirloom_decoder *decoder);

// Decodes only a part of each image, in pixels. Only its tiles are decoded. A part that is not within the
// image is an error of decoding.
//
// What the pointers must be:
// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_decoder_set_crop(struct heirloom_decoder *decoder,
                                               uint32_t x,
                                               uint32_t y,
                                               uint32_t width,
                                               uint32_t height);

// Decodes a smaller copy of each image, of which each pixel is the mean of a square of `divisor` × `divisor`
// pixels: 1, 2, 4, 8 or 16, the last of which leaves out the finest detail. Its sides are rounded up. For
// thumbnails.
//
// What the pointers must be:
// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_decoder_set_scale(struct heirloom_decoder *decoder,
                                                uint32_t divisor);

// Whether a copy for the divisors 8 and 16 may be blurred, of about 30 dB at 8, in a fraction of the time.
// The default is false.
//
// What the pointers must be:
// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_decoder_set_quick(struct heirloom_decoder *decoder,
                                                bool quick);

// Whether pixels must be those that a file had when it was written, which only the generation that wrote it
// gives. The default is false: the newest generation decodes.
//
// What the pointers must be:
// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_decoder_set_exact(struct heirloom_decoder *decoder,
                                                bool exact);

// Sets the most bytes of memory to work in, instead of 2 GiB and 2^28 pixels. An image that needs more is
// refused before memory is allocated.
//
// What the pointers must be:
// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_decoder_set_max_memory(struct heirloom_decoder *decoder,
                                                     uint64_t bytes);

// Adds a model, from the bytes of a model file, for files of other lineages and generations than the default
// model's.
//
// What the pointers must be:
// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile; `data` points to `size` bytes.
enum heirloom_status heirloom_decoder_add_model(struct heirloom_decoder *decoder,
                                                const uint8_t *data,
                                                size_t size);

// Decodes a file. If it fails, the image is cleared.
//
// What the pointers must be:
// `decoder` comes from heirloom_decoder_new(), or is null for the default options; `data` points to `size`
// bytes, `image` to a structure that is filled in, of which nothing is freed before.
enum heirloom_status heirloom_decode(const struct heirloom_decoder *decoder,
                                     const uint8_t *data,
                                     size_t size,
                                     struct heirloom_image *image);

// Decodes what is left of a file that is damaged or cut short behind its header. There is an image, with less
// detail where bytes are missing, whenever `pixels` is not null; the status and heirloom_last_error() say what
// is wrong with the file.
//
// What the pointers must be:
// As heirloom_decode().
enum heirloom_status heirloom_decode_partial(const struct heirloom_decoder *decoder,
                                             const uint8_t *data,
                                             size_t size,
                                             struct heirloom_image *image);

// An encoder with the default model, of quality 50, in at most 2 GiB of memory.
struct heirloom_encoder *heirloom_encoder_new(void);

// Frees an encoder.
//
// What the pointers must be:
// `encoder` is null, or comes from heirloom_encoder_new() and is not used any more.
void heirloom_encoder_free(struct heirloom_encoder *encoder);

// Sets the quality, from 0 (smallest file) to 100 (best image), instead of what was set before.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_encoder_set_quality(struct heirloom_encoder *encoder, float quality);

// Sets the rate-distortion multiplier instead of a quality.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_encoder_set_lambda(struct heirloom_encoder *encoder, float lambda);

// Sets the largest size of a file in bytes instead of a quality: the best image within it.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_encoder_set_target_size(struct heirloom_encoder *encoder,
                                                      uint64_t bytes);

// Sets the lowest PSNR in dB instead of a quality: the smallest file with it.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_encoder_set_target_psnr(struct heirloom_encoder *encoder,
                                                      double psnr);

// Sets when tiles are stored without loss: a value of heirloom_lossless.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_encoder_set_lossless(struct heirloom_encoder *encoder,
                                                   uint32_t lossless);

// Sets how much time to spend on a smaller or better file, from 1, the default, to 9: 5 takes over a
// minute for a megapixel on two cores, and each step about 1.7 times as long.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_encoder_set_effort(struct heirloom_encoder *encoder,
                                                 uint32_t effort);

// Sets the most bytes of memory to work in. An image that needs more is refused before memory is allocated.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
enum heirloom_status heirloom_encoder_set_max_memory(struct heirloom_encoder *encoder,
                                                     uint64_t bytes);

// Sets the model, from the bytes of a model file, instead of the default model.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile; `data` points to `size` bytes.
enum heirloom_status heirloom_encoder_set_model(struct heirloom_encoder *encoder,
                                                const uint8_t *data,
                                                size_t size);

// Encodes an image into a file, the same one as the command `heirloom encode` writes. It is freed by
// heirloom_bytes_free(). If it fails, the structure is cleared.
//
// What the pointers must be:
// `encoder` comes from heirloom_encoder_new(), or is null for the default options; `image` points to an image,
// of which `pixels` points to `height` rows, and blobs to their bytes; `file` points to a structure that is
// filled in, of which nothing is freed before.
enum heirloom_status heirloom_encode(const struct heirloom_encoder *encoder,
                                     const struct heirloom_image *image,
                                     struct heirloom_bytes *file);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HEIRLOOM_H */
