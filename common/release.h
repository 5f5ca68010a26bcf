/* SPDX-License-Identifier: ISC */
#ifndef COMMON_RELEASE_H
#define COMMON_RELEASE_H

#define TANDEM_RELEASE "0.1.0"

#endif
