/* How weights are repacked. */
#ifndef WEIGHT_H
#define WEIGHT_H

#include "spikellm.h"

/* What the caller says of a class; addresses of a checkpoint's tensors. */
struct description {
  int64_t columns, bits, train_zero, groups, ends, layout, codes, scales, half_scales, zeros;
};

struct packing {
  struct weight *weight;
  const struct description *description;   /* [classes] */
};

#endif
