#version 460
// What linear_few.comp computes, of codes of any bits: less to compile, and slower. A thread has a row.

layout(local_size_x = 32) in;

#define LOOKED_UP
const bool SINGLE = false;

#include "memory.glsl"
#include "dot.glsl"
#include "codes.glsl"
#include "wide.glsl"
#include "halves.glsl"
#include "few.glsl"

Run addOf(uint c, ivec4 run) {
  Class k = classes.at[c];
  uint row = gl_GlobalInvocationID.x;
  int codeZero = !FLOATS ? 0 : hasZeros(k) ? k.zeros.at[run.z * gl_NumWorkGroups.x * ROWS + row] : k.zero;
  Run made;
  [[unroll]] for (uint p = 0; p < PARTS; p++) {
    made.sums[p] = 0;
    made.counts[p] = 0;
  }
  made.codes = 0;
  for (uint block = uint(run.x) / 32; block < uint(run.y + 31) / 32; block++) {
    uint at = (gl_WorkGroupID.x * k.blocks + block) * k.bits * ROWS + gl_LocalInvocationIndex;
    uint columns = columnsOf(run, block);
    [[dont_unroll]] for (uint i = 0; i < 8; i++) {
      uint codes = fourCodesAt(k.codes, at, k.bits, i);
      if (FLOATS) {
        addFloats(k, codes, block, i, columns, codeZero, made);
        continue;
      }
      uint mask = fourMask(columns, i);
      uint four = signedCodes(k.bits, codes, mask, made);
      [[unroll]] for (uint p = 0; p < PARTS; p++) {
        addCounts(countsAt(k, p, block, i), p, four, mask, made);
      }
    }
  }
  return made;
}

void main() {
  uint row = gl_GlobalInvocationID.x;
  Sums s[MOST_TOKENS];
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    s[t].total = row < rows ? starts.at[tokenAt(t) * startStride + row] : 0;
    clear(s[t]);
  }
  for (uint c = 0; c < stepClasses; c++) {
    for (uint r = 0; r < classes.at[c].runCount; r++) {
      ivec4 run = classes.at[c].runs.at[r];
      Run made = addOf(c, run);
      [[unroll]] for (uint t = 0; t < TOKENS; t++) {
        take(c, run, made, t, s[t]);
      }
    }
  }
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    write(t, row, s[t].total);
  }
}
