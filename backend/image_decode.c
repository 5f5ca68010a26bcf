/* SPDX-License-Identifier: ISC */
#include "backend/image_decode.h"

#include <dlfcn.h>
#include <gd.h>
#include <stdarg.h>
#include <string.h>

#include "backend/image_header.h"

/* The name under which the distributions' libgd of version 2 is found; security updates of it
 * need no new build of ours. */
static const char library[] = "libgd.so.3";

/* What is used of it, with the types of its header. */
#define FUNCTIONS(F)              \
	F(gdImageCreateFromPngPtr)    \
	F(gdImageCreateFromJpegPtrEx) \
	F(gdImageCreateFromGifPtr)    \
	F(gdImageCreateTrueColor)     \
	F(gdImageAlphaBlending)       \
	F(gdImageSaveAlpha)           \
	F(gdImageCopyResampled)       \
	F(gdImagePngPtr)              \
	F(gdSetErrorMethod)

static struct {
#define POINTER(name) __typeof__(name) *name;
	FUNCTIONS(POINTER)
#undef POINTER
} gd;

/* There is nobody to tell: what a picture's author may put into a message is not for the log. */
static void
say_nothing(int level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
}

int
image_decode_load(struct err *e)
{
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	if (lib == NULL)
		return err_set(e, ERR_INTERNAL, "image process: %.120s", dlerror());
		/* Through memory, since ISO C has no conversion from void * to a function's address. */
#define LOOK_UP(name)                                                                    \
	{                                                                                    \
		void *at = dlsym(lib, #name);                                                    \
                                                                                         \
		if (at == NULL)                                                                  \
			return err_set(e, ERR_INTERNAL, "image process: %s has no " #name, library); \
		memcpy(&gd.name, &at, sizeof(at));                                               \
	}
	FUNCTIONS(LOOK_UP)
#undef LOOK_UP
	gd.gdSetErrorMethod(say_nothing);
	return 0;
}

static gdImagePtr
read_image(enum image_kind kind, void *in, int n)
{
	switch (kind) {
	case IMAGE_PNG:
		return gd.gdImageCreateFromPngPtr(n, in);
	case IMAGE_JPEG:
		/* 1: cameras that do not keep to every rule are forgiven, as browsers do. */
		return gd.gdImageCreateFromJpegPtrEx(n, in, 1);
	case IMAGE_GIF:
		return gd.gdImageCreateFromGifPtr(n, in);
	case IMAGE_NONE:
		break;
	}
	return NULL;
}

/* The square in the middle, in the size of an avatar. */
static gdImagePtr
crop(gdImagePtr from)
{
	int w = gdImageSX(from), h = gdImageSY(from), side = w < h ? w : h;
	gdImagePtr to = gd.gdImageCreateTrueColor(PICTURE_SIDE, PICTURE_SIDE);

	if (to == NULL)
		return NULL;
	/* Transparency is copied, not applied to the black that the new image is filled with. */
	gd.gdImageAlphaBlending(to, 0);
	gd.gdImageSaveAlpha(to, 1);
	gd.gdImageCopyResampled(
	    to, from, 0, 0, (w - side) / 2, (h - side) / 2, PICTURE_SIDE, PICTURE_SIDE, side, side);
	return to;
}

enum image_result
image_decode(const unsigned char *in, size_t n, unsigned char out[IMAGE_OUT_MAX], size_t *out_n)
{
	struct image_header h;
	gdImagePtr image;
	int size = 0;
	void *png;

	if (n > IMAGE_IN_MAX || !image_header_read(in, n, &h))
		return IMAGE_BAD;
	if (h.width > IMAGE_SIDE_MAX || h.height > IMAGE_SIDE_MAX ||
	    h.width * h.height > IMAGE_PIXELS_MAX)
		return IMAGE_TOO_BIG;
	/* Nothing is freed: the process ends with the picture. */
	if ((image = read_image(h.kind, (void *)(uintptr_t)in, (int)n)) == NULL ||
	    (image = crop(image)) == NULL || (png = gd.gdImagePngPtr(image, &size)) == NULL)
		return IMAGE_BAD;
	if (size <= 0 || size > IMAGE_OUT_MAX)
		return IMAGE_BAD;
	memcpy(out, png, (size_t)size);
	*out_n = (size_t)size;
	return IMAGE_DONE;
}
