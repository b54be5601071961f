#version 460
// out[i, j] = Σ_k a[i, k] · b[j, k] for few rows of a: 64 threads share the columns of a row of b, and add up what each has.

layout(constant_id = 0) const uint TYPE = 0;
layout(local_size_x = 64) in;

#include "memory.glsl"
#include "factor.glsl"

layout(push_constant) uniform Arguments {
  Floats a;   // [m, k]
  Words b;    // [n, k]
  Floats product; // [m, n], its rows stride apart
  uint m;
  uint n;
  uint k;
  uint stride; // of product
};

const uint THREADS = 64;
shared float parts[THREADS];

void main() {
  uint thread = gl_LocalInvocationID.x;
  uint i = gl_WorkGroupID.y;
  for (uint j = gl_WorkGroupID.x; j < n; j += gl_NumWorkGroups.x) {
    float sum = 0;
    for (uint c = thread; c < k; c += THREADS) {
      sum += a.at[i * k + c] * element(b, j * k + c);
    }
    parts[thread] = sum;
    barrier();
    for (uint width = THREADS / 2; width > 0; width /= 2) {
      if (thread < width) {
        parts[thread] += parts[thread + width];
      }
      barrier();
    }
    if (thread == 0) {
      product.at[i * stride + j] = parts[0];
    }
    barrier(); // the next row's parts go to the same place
  }
}
