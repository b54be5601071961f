// With SUBGROUPS, what all threads of a tile read alike is read once: eight threads have one of eight each, and share it by
// broadcasts.
#ifdef SUBGROUPS
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_arithmetic : require

// Which of eight is this thread's; where a subgroup has more than eight threads several have the same.
uint shareLane() {
  return gl_SubgroupInvocationID % 8;
}

// The sum of the first eight threads' numbers.
int shareSum(int mine) {
  return subgroupAdd(gl_SubgroupInvocationID < 8 ? mine : 0);
}
#endif
