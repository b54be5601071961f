// Kernels that have a row, or four, to a workgroup.

const uint THREADS = 64;
shared vec4 parts[THREADS];

// The sums of what each thread has.
vec4 sumOfAll(vec4 mine) {
  uint thread = gl_LocalInvocationID.x;
  parts[thread] = mine;
  barrier();
  for (uint width = THREADS / 2; width > 0; width /= 2) {
    if (thread < width) {
      parts[thread] += parts[thread + width];
    }
    barrier();
  }
  vec4 sum = parts[0];
  barrier();
  return sum;
}

// The largest of what each thread has.
vec4 largestOfAll(vec4 mine) {
  uint thread = gl_LocalInvocationID.x;
  parts[thread] = mine;
  barrier();
  for (uint width = THREADS / 2; width > 0; width /= 2) {
    if (thread < width) {
      parts[thread] = max(parts[thread], parts[thread + width]);
    }
    barrier();
  }
  vec4 largest = parts[0];
  barrier();
  return largest;
}
