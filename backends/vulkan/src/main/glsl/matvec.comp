#version 460
// out[i, j] = Σ_k a[i, k] · b[j, k] for few rows of a: 16 threads share the columns of a row of b, and add up what each has; a
// workgroup has four rows of b.

layout(constant_id = 0) const uint TYPE = 0;
layout(constant_id = 1) const bool BIASED = false;
layout(local_size_x = 64) in;

#include "memory.glsl"
#include "factor.glsl"

layout(push_constant) uniform Arguments {
  Floats a;   // [m, k]
  Words b;    // [n, k]
  Floats product; // [m, n], its rows stride apart
  Floats bias; // [n], where BIASED
  uint m;
  uint n;
  uint k;
  uint stride; // of product
  uint adds;   // 1 where the result is added to what is in product
};

#include "result.glsl"

const uint SHARERS = 16;
const uint LINES = 4;
shared float parts[LINES * SHARERS];

void main() {
  uint thread = gl_LocalInvocationID.x;
  uint sharer = thread % SHARERS;
  uint i = gl_WorkGroupID.y;
  for (uint first = gl_WorkGroupID.x * LINES; first < n; first += gl_NumWorkGroups.x * LINES) {
    uint j = first + thread / SHARERS;
    float sum = 0;
    if (j < n) {
      for (uint c = sharer; c < k; c += SHARERS) {
        sum += a.at[i * k + c] * element(b, j * k + c);
      }
    }
    parts[thread] = sum;
    barrier();
    for (uint width = SHARERS / 2; width > 0; width /= 2) {
      if (sharer < width) {
        parts[thread] += parts[thread + width];
      }
      barrier();
    }
    if (sharer == 0 && j < n) {
      write(i, j, parts[thread]);
    }
    barrier(); // the next rows' parts go to the same place
  }
}
