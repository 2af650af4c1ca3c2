/* Encodes a PPM or PGM image, shows what the file says, and decodes it again, whole and as a thumbnail.
 *
 *   convert IN.ppm OUT.hlm OUT.ppm THUMBNAIL.ppm
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heirloom.h"

/* Reads a file, or ends the program. */
static unsigned char *read_file(const char *name, size_t *size) {
    FILE *file = fopen(name, "rb");
    unsigned char *data = NULL;
    long end = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) > 0 && fseek(file, 0, SEEK_SET) == 0)
        data = malloc((size_t)end);
    if (data == NULL || fread(data, 1, (size_t)end, file) != (size_t)end) {
        fprintf(stderr, "%s: cannot be read\n", name);
        exit(1);
    }
    fclose(file);
    *size = (size_t)end;
    return data;
}

/* Writes a file, or ends the program. */
static void write_file(const char *name, const char *header, const void *data, size_t size) {
    FILE *file = fopen(name, "wb");
    int written = file != NULL && fputs(header, file) >= 0 && fwrite(data, 1, size, file) == size;
    if (file == NULL || fclose(file) != 0 || !written) {
        fprintf(stderr, "%s: cannot be written\n", name);
        exit(1);
    }
}

static void write_pnm(const char *name, const heirloom_image *image) {
    char header[64];
    snprintf(header, sizeof header, "P%c\n%u %u\n255\n", image->channels == 1 ? '5' : '6', (unsigned)image->width,
             (unsigned)image->height);
    write_file(name, header, image->pixels, image->stride * image->height);
}

/* Ends the program if a call has failed. */
static void check(heirloom_status status) {
    if (status != HEIRLOOM_STATUS_OK) {
        fprintf(stderr, "%s\n", heirloom_last_error());
        exit(1);
    }
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: convert IN.ppm OUT.hlm OUT.ppm THUMBNAIL.ppm\n");
        return 2;
    }
    size_t size;
    unsigned char *input = read_file(arguments[1], &size);
    unsigned width, height, maximum;
    char kind, end;
    int length = 0;
    char header[64] = {0};
    memcpy(header, input, size < sizeof header ? size : sizeof header - 1);
    if (sscanf(header, "P%c %u %u %u%c%n", &kind, &width, &height, &maximum, &end, &length) != 5 || maximum != 255 ||
        (kind != '5' && kind != '6')) {
        fprintf(stderr, "%s: is no PPM or PGM image of 8 bits\n", arguments[1]);
        return 1;
    }

    heirloom_image image = {0};
    image.width = width;
    image.height = height;
    image.channels = kind == '5' ? 1 : 3;
    image.bits = 8;
    image.pixels = input + length;
    if (size - (size_t)length < (size_t)width * height * image.channels) {
        fprintf(stderr, "%s: is cut short\n", arguments[1]);
        return 1;
    }

    heirloom_bytes file = {0};
    heirloom_encoder *encoder = heirloom_encoder_new();
    check(heirloom_encoder_set_quality(encoder, 60));
    check(heirloom_encode(encoder, &image, &file));
    heirloom_encoder_free(encoder);
    free(input);
    write_file(arguments[2], "", file.data, file.size);

    heirloom_info info;
    check(heirloom_read_info(file.data, file.size, &info));
    printf("%u x %u, %u channels of %u bits, %zu bytes, lineage %s\n", (unsigned)info.width, (unsigned)info.height,
           (unsigned)info.channels, (unsigned)info.bits, file.size, info.entropy_id);

    heirloom_image decoded;
    check(heirloom_decode(NULL, file.data, file.size, &decoded));
    write_pnm(arguments[3], &decoded);
    heirloom_image_free(&decoded);

    heirloom_decoder *decoder = heirloom_decoder_new();
    check(heirloom_decoder_set_scale(decoder, 4));
    check(heirloom_decode(decoder, file.data, file.size, &decoded));
    write_pnm(arguments[4], &decoded);
    heirloom_image_free(&decoded);
    heirloom_decoder_free(decoder);

    heirloom_bytes_free(&file);
    heirloom_stop_threads();
    return 0;
}
