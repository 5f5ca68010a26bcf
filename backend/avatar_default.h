/* SPDX-License-Identifier: ISC */
/* The picture of users who have none. */
#ifndef BACKEND_AVATAR_DEFAULT_H
#define BACKEND_AVATAR_DEFAULT_H

#include "common/str.h"

/* A PNG as check_picture() wants it; it lasts. */
struct str avatar_default(void);

#endif
