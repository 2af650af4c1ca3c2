/* Uses every function of heirloom.h, rightly and wrongly. Prints nothing if all is well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heirloom.h"

static int failures = 0;

#define CHECK(condition)                                                                         \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            failures++;                                                                          \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, heirloom_last_error());   \
        }                                                                                        \
    } while (0)

enum { WIDTH = 70, HEIGHT = 50 };

/* Every kind of image, with gaps between its rows, comes back. */
static void formats(void) {
    for (unsigned bits = 8; bits <= 16; bits += 8) {
        for (unsigned channels = 1; channels <= 4; channels++) {
            size_t row = (size_t)WIDTH * channels * bits / 8, stride = row + 10;
            unsigned char *pixels = malloc(stride * (HEIGHT - 1) + row);
            for (size_t i = 0; i < stride * (HEIGHT - 1) + row; i++)
                pixels[i] = (unsigned char)(i * 7 / 3);
            heirloom_image image = {0};
            image.width = WIDTH;
            image.height = HEIGHT;
            image.channels = channels;
            image.bits = bits;
            image.pixels = pixels;
            image.stride = stride;
            image.icc.data = (const uint8_t *)"profile";
            image.icc.size = 7;
            heirloom_encoder *encoder = heirloom_encoder_new();
            CHECK(heirloom_encoder_set_lossless(encoder, HEIRLOOM_LOSSLESS_ALWAYS) == HEIRLOOM_STATUS_OK);
            heirloom_bytes file = {0};
            CHECK(heirloom_encode(encoder, &image, &file) == HEIRLOOM_STATUS_OK);
            heirloom_encoder_free(encoder);
            CHECK(heirloom_is_heirloom(file.data, file.size));

            heirloom_image decoded, head;
            CHECK(heirloom_decode(NULL, file.data, file.size, &decoded) == HEIRLOOM_STATUS_OK);
            CHECK(decoded.width == WIDTH && decoded.height == HEIGHT && decoded.stride == row);
            CHECK(decoded.channels == channels && decoded.bits == bits);
            CHECK(decoded.icc.size == 7 && memcmp(decoded.icc.data, "profile", 7) == 0 && decoded.xmp.data == NULL);
            for (size_t y = 0; y < HEIGHT; y++)
                CHECK(memcmp((unsigned char *)decoded.pixels + y * row, pixels + y * stride, row) == 0);
            /* The beginning of the file suffices for what stands there. */
            CHECK(heirloom_read_head(file.data, file.size - 20, &head) == HEIRLOOM_STATUS_OK);
            CHECK(head.pixels == NULL && head.width == WIDTH && head.icc.size == 7);
            heirloom_info info;
            CHECK(heirloom_read_info(file.data, file.size, &info) == HEIRLOOM_STATUS_OK);
            CHECK(info.channels == channels && info.bits == bits && info.tiles == 1 && info.lossless_tiles == 1);
            CHECK(strlen(info.entropy_id) == 16 && strlen(info.generation_id) == 8);
            heirloom_image_free(&decoded);
            heirloom_image_free(&decoded);
            heirloom_image_free(&head);
            heirloom_bytes_free(&file);
            heirloom_bytes_free(&file);
            free(pixels);
        }
    }
}

/* Options of encoding and decoding, and what is wrong with files and calls. */
static void options(void) {
    static unsigned char pixels[WIDTH * HEIGHT * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i / 3 % WIDTH + i / (3 * WIDTH) * 2 + i % 3 * 9);
    heirloom_image image = {0}, decoded;
    image.width = WIDTH;
    image.height = HEIGHT;
    image.channels = 3;
    image.bits = 8;
    image.pixels = pixels;
    heirloom_bytes file = {0}, other = {0};
    heirloom_encoder *encoder = heirloom_encoder_new();
    CHECK(heirloom_encoder_set_lossless(encoder, HEIRLOOM_LOSSLESS_NEVER) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encoder_set_lossless(encoder, 7) == HEIRLOOM_STATUS_BAD_PARAMETER);
    CHECK(heirloom_encoder_set_effort(encoder, 0) == HEIRLOOM_STATUS_BAD_PARAMETER);
    CHECK(heirloom_encoder_set_effort(encoder, 9) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encoder_set_effort(encoder, 1) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encoder_set_target_psnr(encoder, 25) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encode(encoder, &image, &other) == HEIRLOOM_STATUS_OK);
    heirloom_bytes_free(&other);
    CHECK(heirloom_encoder_set_target_size(encoder, 900) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encode(encoder, &image, &other) == HEIRLOOM_STATUS_OK && other.size <= 900);
    heirloom_bytes_free(&other);
    CHECK(heirloom_encoder_set_quality(encoder, 101) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encode(encoder, &image, &other) == HEIRLOOM_STATUS_BAD_PARAMETER && other.data == NULL);
    CHECK(strstr(heirloom_last_error(), "101") != NULL);
    CHECK(heirloom_encoder_set_lambda(encoder, 128) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encoder_set_model(encoder, pixels, sizeof pixels) == HEIRLOOM_STATUS_BAD_MODEL);
    CHECK(heirloom_encoder_set_max_memory(encoder, 1000) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encode(encoder, &image, &other) == HEIRLOOM_STATUS_OVER_LIMIT);
    CHECK(heirloom_encoder_set_max_memory(encoder, (uint64_t)1 << 30) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_encode(encoder, &image, &file) == HEIRLOOM_STATUS_OK);
    heirloom_encoder_free(encoder);

    heirloom_decoder *decoder = heirloom_decoder_new();
    CHECK(heirloom_decoder_set_exact(decoder, true) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_decoder_set_quick(decoder, true) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_decoder_set_max_memory(decoder, (uint64_t)1 << 30) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_decoder_set_scale(decoder, 3) == HEIRLOOM_STATUS_BAD_PARAMETER);
    CHECK(heirloom_decoder_set_scale(decoder, 4) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_decode(decoder, file.data, file.size, &decoded) == HEIRLOOM_STATUS_OK);
    CHECK(decoded.width == 18 && decoded.height == 13);
    heirloom_image_free(&decoded);
    CHECK(heirloom_decoder_set_scale(decoder, 1) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_decoder_set_crop(decoder, 10, 20, 33, 22) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_decode(decoder, file.data, file.size, &decoded) == HEIRLOOM_STATUS_OK);
    CHECK(decoded.width == 33 && decoded.height == 22);
    heirloom_image_free(&decoded);
    CHECK(heirloom_decoder_set_crop(decoder, 60, 20, 33, 22) == HEIRLOOM_STATUS_OK);
    CHECK(heirloom_decode(decoder, file.data, file.size, &decoded) == HEIRLOOM_STATUS_BAD_PARAMETER);
    CHECK(heirloom_decoder_add_model(decoder, pixels, sizeof pixels) == HEIRLOOM_STATUS_BAD_MODEL);
    heirloom_decoder_free(decoder);

    CHECK(heirloom_decode_partial(NULL, file.data, file.size, &decoded) == HEIRLOOM_STATUS_OK);
    heirloom_image_free(&decoded);
    CHECK(heirloom_decode_partial(NULL, file.data, file.size - 1, &decoded) == HEIRLOOM_STATUS_CUT_SHORT);
    CHECK(decoded.pixels != NULL && decoded.width == WIDTH);
    heirloom_image_free(&decoded);
    CHECK(heirloom_decode(NULL, file.data, file.size - 1, &decoded) == HEIRLOOM_STATUS_CUT_SHORT);
    CHECK(decoded.pixels == NULL && decoded.owner == NULL);
    file.data[file.size - 9] ^= 1;
    CHECK(heirloom_decode(NULL, file.data, file.size, &decoded) == HEIRLOOM_STATUS_DAMAGED);
    heirloom_info info;
    CHECK(heirloom_read_info(file.data, file.size, &info) == HEIRLOOM_STATUS_DAMAGED);
    CHECK(heirloom_read_info(file.data, file.size, NULL) == HEIRLOOM_STATUS_BAD_PARAMETER);
    heirloom_bytes_free(&file);

    CHECK(heirloom_decode(NULL, pixels, sizeof pixels, &decoded) == HEIRLOOM_STATUS_NOT_HEIRLOOM);
    CHECK(!heirloom_is_heirloom(pixels, sizeof pixels) && !heirloom_is_heirloom(NULL, 0));
    CHECK(heirloom_decode(NULL, NULL, 5, &decoded) == HEIRLOOM_STATUS_BAD_PARAMETER);
    CHECK(heirloom_decode(NULL, pixels, 5, NULL) == HEIRLOOM_STATUS_BAD_PARAMETER);
    CHECK(heirloom_encode(NULL, NULL, &file) == HEIRLOOM_STATUS_BAD_PARAMETER);
    CHECK(heirloom_encoder_set_quality(NULL, 5) == HEIRLOOM_STATUS_BAD_PARAMETER);
    CHECK(heirloom_decoder_set_scale(NULL, 1) == HEIRLOOM_STATUS_BAD_PARAMETER);
    image.channels = 5;
    CHECK(heirloom_encode(NULL, &image, &file) == HEIRLOOM_STATUS_BAD_PARAMETER);
    image.channels = 3;
    image.stride = 3;
    CHECK(heirloom_encode(NULL, &image, &file) == HEIRLOOM_STATUS_BAD_PARAMETER);
    image.stride = SIZE_MAX / 2;
    CHECK(heirloom_encode(NULL, &image, &file) == HEIRLOOM_STATUS_BAD_PARAMETER);
    image.stride = 0;
    image.pixels = NULL;
    CHECK(heirloom_encode(NULL, &image, &file) == HEIRLOOM_STATUS_BAD_PARAMETER);
    image.height = 0;
    CHECK(heirloom_encode(NULL, &image, &file) == HEIRLOOM_STATUS_BAD_PARAMETER);
    heirloom_image_free(NULL);
    heirloom_bytes_free(NULL);
    heirloom_encoder_free(NULL);
    heirloom_decoder_free(NULL);
}

int main(void) {
    CHECK(strlen(heirloom_last_error()) == 0);
    CHECK(strlen(heirloom_version()) >= 5);
    formats();
    /* Threads end, and begin again. */
    heirloom_set_threads(2);
    options();
    heirloom_stop_threads();
    heirloom_stop_threads();
    if (failures != 0)
        fprintf(stderr, "%d checks failed\n", failures);
    return failures != 0;
}
