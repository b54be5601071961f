// Of kernels that multiply few tokens: the classes of a weight, and what their groups add up to. A kernel that reads its classes'
// bits and the types of scales and zero points as it goes defines LOOKED_UP; others have constants for them.

layout(constant_id = 0) const uint TOKENS = 1;
layout(constant_id = 1) const uint DIGITS = 1; // signed bytes of what is stored, Σ_d digit_d · 256^d; 0 where inputs are floats

struct Class {
  Words codes;
  Words scales;  // [groups, rows in whole tiles]
  Ints zeros;    // [groups, rows in whole tiles], where ZEROS
  Ints codeSums; // [rows in whole tiles], where each class has one group
  Table runs;    // [runs]: first column, the one after the last, group, 1 where that ends, or WHOLE
  uint blocks;
  uint runCount;
  uint bits;
  uint columns;
  uint firstPlace; // of its inputs
  uint index;
  int zero;      // of all codes, but where ZEROS
  int most[3];   // |zero point| for which a sum of counts of so many digits fits in 32 bits, whatever overflows on the way
  uint flags;    // HALVES, ZEROS: 1, 2
  uint unused;
};

layout(buffer_reference, std430, buffer_reference_align = 8) buffer Classes { Class at[]; };

layout(push_constant) uniform Arguments {
  Classes classes;
  Words inputs;  // [tokens, places]: floats, or [tokens, DIGITS, places]: bytes
  Floats thetas; // [tokens, classCount]
  Ints zeros;    // [tokens, classCount]
  Floats starts; // [tokens, rows], startStride apart: what the sums begin with
  Floats sums;   // [tokens, rows], stride apart
  uint rows;
  uint tokens;
  uint places;
  uint classCount;
  uint startStride;
  uint stride;
  uint adds;     // 1 where the sums are added to what is there
  uint stepClasses; // how many are multiplied
};

const uint MOST_TOKENS = 4;
const uint MOST_DIGITS = 3;
const uint MOST_PARTS = MOST_TOKENS * MOST_DIGITS;
const uint PARTS = TOKENS * (DIGITS == 0 ? 1 : DIGITS);
const bool FLOATS = DIGITS == 0;
const int WHOLE = 2;           // of a run that is a group
const uint TWO_23 = 0x4b000000; // the bits of a float 2^23, whose last digit is 1

// What a run adds up to.
struct Run {
  uint sums[MOST_PARTS]; // integers, or bits of floats
  int counts[MOST_PARTS];
  int codes;
};

bool hasHalves(Class k) {
#ifdef LOOKED_UP
  return (k.flags & 1) != 0;
#else
  return HALVES;
#endif
}

bool hasZeros(Class k) {
#ifdef LOOKED_UP
  return (k.flags & 2) != 0;
#else
  return ZEROS;
#endif
}

// Which columns of a block are in the run, a bit each.
uint columnsOf(ivec4 run, uint block) {
  int low = max(run.x - int(block * 32), 0);
  int high = min(run.y - int(block * 32), 32);
  return (~0u << low) & (~0u >> (32 - high));
}

uint tokenAt(uint t) {
  return min(gl_WorkGroupID.y * TOKENS + t, tokens - 1);
}

// Word i of a block of the counts of a part: of a token's digit.
uint countsAt(Class k, uint p, uint block, uint i) {
  return inputs.at[((tokenAt(p / DIGITS) * DIGITS + p % DIGITS) * places + k.firstPlace) / 4 + block * 8 + i];
}

// Adds up columns 4i .. 4i + 3 of a block of counts.
void addCounts(uint counts, uint p, uint four, uint mask, inout Run made) {
  made.sums[p] += uint(dot4(counts, four));
  if (!SINGLE) {
    made.counts[p] += dot4(counts & mask, ONES);
  }
}

// Codes as signed bytes, those of 8 bits less 128, as are their zero points.
uint signedCodes(uint bits, uint codes, uint mask, inout Run made) {
  uint four = (codes ^ (bits == 8 ? 0x80808080u : 0u)) & mask;
  if (!SINGLE) {
    made.codes += dot4(four, ONES);
  }
  return four;
}

// Adds up columns 4i .. 4i + 3 of a block of floats.
void addFloats(Class k, uint codes, uint block, uint i, uint columns, int codeZero, inout Run made) {
  vec4 weights;
  [[unroll]] for (uint b = 0; b < 4; b++) {
    // Exact, and no conversion.
    precise float weight = uintBitsToFloat(TWO_23 | (codes >> (8 * b) & 0xff)) - (8388608.0 + codeZero);
    weights[b] = (columns >> (4 * i + b) & 1) != 0 ? weight : 0;
  }
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    vec4 x = Vectors(inputs).at[(tokenAt(t) * places + k.firstPlace) / 4 + block * 8 + i];
    precise float value = uintBitsToFloat(made.sums[t]);
    [[unroll]] for (uint b = 0; b < 4; b++) {
      value += x[b] * weights[b];
    }
    made.sums[t] = floatBitsToUint(value);
  }
}

// What a group of counts adds up to, of its parts.
float valueOf(uint sum[MOST_DIGITS], int counts[MOST_DIGITS], int codeSum, int width, int codeZero, int zero, int most) {
  if (zero >= -most && zero <= most) {
    uint integer = uint(-zero * (codeSum - width * codeZero));
    [[unroll]] for (uint d = 0; d < DIGITS; d++) {
      integer += (sum[d] - uint(codeZero * counts[d])) << (8 * d);
    }
    return float(int(integer));
  }
  uvec2 integer = uvec2(0);
  [[unroll]] for (uint d = DIGITS; d-- > 0;) {
    shiftLeft8(integer);
    multiplyAdd(integer, int(sum[d]), 1);
    multiplyAdd(integer, counts[d], -codeZero);
  }
  multiplyAdd(integer, -zero, codeSum);
  multiplyAdd(integer, zero, width * codeZero);
  return toFloat(integer);
}

// Sums of a token: of the group that is not over, and of all before it.
struct Sums {
  float total;
  uint group[MOST_DIGITS];
  int counts[MOST_DIGITS];
  int codes;
  int width;
};

void clear(inout Sums s) {
  [[unroll]] for (uint d = 0; d < MOST_DIGITS; d++) {
    s.group[d] = 0;
    s.counts[d] = 0;
  }
  s.codes = 0;
  s.width = 0;
}

// What a group's sum is multiplied by.
struct Factors {
  float scale;
  float theta;
  int codeZero;
  int codes; // and columns, where SINGLE
  int width;
  int zero;
  int most;
};

Factors factorsOf(uint c, uint group, uint t) {
  Class k = classes.at[c];
  uint row = gl_WorkGroupID.x * ROWS + gl_LocalInvocationIndex % ROWS;
  uint at = group * gl_NumWorkGroups.x * ROWS + row;
  Factors f;
  f.scale = hasHalves(k) ? halfAt(k.scales, at) : uintBitsToFloat(k.scales.at[at]);
  if (!FLOATS) {
    uint place = tokenAt(t) * classCount + k.index;
    f.theta = thetas.at[place];
    f.codeZero = (hasZeros(k) ? k.zeros.at[at] : k.zero) - (k.bits == 8 ? 128 : 0);
    f.codes = SINGLE ? k.codeSums.at[row] : 0;
    f.width = SINGLE ? int(k.columns) : 0;
    f.zero = zeros.at[place];
    f.most = k.most[DIGITS - 1];
  }
  return f;
}

// Adds a run to the group's sum of token t.
void add(Run made, ivec4 run, uint t, inout Sums s) {
  if (FLOATS) {
    precise float sum = uintBitsToFloat(s.group[0]) + uintBitsToFloat(made.sums[t]);
    s.group[0] = floatBitsToUint(sum);
    return;
  }
  [[unroll]] for (uint d = 0; d < DIGITS; d++) {
    s.group[d] += made.sums[t * DIGITS + d];
    s.counts[d] += made.counts[t * DIGITS + d];
  }
  s.codes += made.codes;
  s.width += run.y - run.x;
}

// The group's sum, scaled.
float scaled(Factors f, Sums s) {
  precise float value;
  precise float unit;
  if (FLOATS) {
    value = uintBitsToFloat(s.group[0]);
    unit = f.scale;
  } else {
    value = valueOf(s.group, s.counts, SINGLE ? f.codes : s.codes, SINGLE ? f.width : s.width, f.codeZero, f.zero, f.most);
    unit = f.theta * f.scale;
  }
  precise float product = value * unit;
  return product;
}

// Adds it to the total, and begins the next one.
void scale(Factors f, inout Sums s) {
  precise float next = s.total + scaled(f, s);
  s.total = next;
  clear(s);
}

// Takes a run into the sums of token t.
void take(uint c, ivec4 run, Run made, uint t, inout Sums s) {
  add(made, run, t, s);
  if (run.w != 0) {
    scale(factorsOf(c, run.z, t), s);
  }
}

// Writes a total of this workgroup's token t, if there is such a one.
void write(uint t, uint row, float total) {
  uint token = gl_WorkGroupID.y * TOKENS + t;
  if (row < rows && token < tokens) {
    uint at = token * stride + row;
    precise float result = adds != 0 ? sums.at[at] + total : total;
    sums.at[at] = result;
  }
}
