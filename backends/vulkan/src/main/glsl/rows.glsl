// Kernels that have a row to a workgroup, whose threads it is shared by.

layout(local_size_x_id = 20) in;

#ifdef SUBGROUPS
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif

const uint THREADS = gl_WorkGroupSize.x;
shared vec4 parts[THREADS];

#ifdef SUBGROUPS
// Leaves what each subgroup has in parts.
void share(vec4 mine) {
  if (subgroupElect()) {
    parts[gl_SubgroupID] = mine;
  }
  barrier();
}

// Whether the threads of one subgroup can take up what all have left. It may have fewer than gl_SubgroupSize, but all have as
// many: their sizes and THREADS are powers of two.
bool oneTakesAll() {
  return gl_NumSubgroups * gl_NumSubgroups <= THREADS;
}
#endif

// The sums of what each thread has.
vec4 sumOfAll(vec4 mine) {
#ifdef SUBGROUPS
  share(subgroupAdd(mine));
  vec4 sum = parts[0];
  if (oneTakesAll()) {
    sum = subgroupAdd(gl_SubgroupInvocationID < gl_NumSubgroups ? parts[gl_SubgroupInvocationID] : vec4(0));
  } else {
    for (uint s = 1; s < gl_NumSubgroups; s++) {
      sum += parts[s];
    }
  }
#else
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
#endif
  barrier();
  return sum;
}

// The largest of what each thread has.
vec4 largestOfAll(vec4 mine) {
#ifdef SUBGROUPS
  share(subgroupMax(mine));
  vec4 largest = parts[0];
  if (oneTakesAll()) {
    largest = subgroupMax(parts[min(gl_SubgroupInvocationID, gl_NumSubgroups - 1)]);
  } else {
    for (uint s = 1; s < gl_NumSubgroups; s++) {
      largest = max(largest, parts[s]);
    }
  }
#else
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
#endif
  barrier();
  return largest;
}
