#version 460
// Causal attention of query heads over the cache. A workgroup has four rows, of the rows (token, head) that look at one kv head,
// and goes through the positions in tiles of as many as it has threads. A thread has first a position of the tile, then channels;
// sums are scaled down when a larger score comes (online softmax).

layout(constant_id = 0) const uint TYPE = 0;     // of what is cached: F32, I8, I16
layout(constant_id = 1) const uint CHANNELS = 8; // of a thread
layout(constant_id = 2) const bool PLACED = false; // the position of the first token lies in memory, beside the argument
layout(local_size_x = 64) in;

#include "memory.glsl"
#include "exponential.glsl"
#include "rows.glsl"

layout(push_constant) uniform Arguments {
  Floats queries;  // [tokens, heads, headDim]
  Words keys;      // [kvHeads, capacity, rowWords]
  Words values;
  // I32 [4, kvHeads, headDim]: θ of the key channel, its zero point as stored, 1 where the value channel is salient, 1 where the
  // key channel is (which only append.comp reads).
  Words ranges;
  Floats thetas;   // [kvHeads, capacity, 2], of values
  Ints zeros;
  Floats outputs;  // [tokens, heads, headDim]
  Ints place;
  uint tokens;
  uint heads;
  uint kvHeads;
  uint headDim;
  uint rowWords;
  uint capacity;
  uint position; // of the first token
  float scale;
};

const uint MOST = 512; // headDim
const uint PER_WORD = TYPE == 0 ? 1 : TYPE == 1 ? 4 : 2;
const float LEAST = -3.4028234663852886e38;
shared vec4 scaledQueries[MOST + 3]; // of the four rows; those of the channels that only fill a word are 0
shared int keyZeros[MOST + 3];
shared vec4 weights[2][THREADS]; // of the four rows, times θ of plain and of salient value channels
shared int valueZeros[2][THREADS];

// What is stored in a word, less the zero point.
float stored(uint word, uint i, int zero) {
  if (TYPE == 0) {
    return uintBitsToFloat(word);
  }
  int bits = int(32 / PER_WORD);
  return float(bitfieldExtract(int(word), int(i) * bits, bits) - zero);
}

vec4 exponentials(vec4 x) {
  return vec4(exponential(x.x), exponential(x.y), exponential(x.z), exponential(x.w));
}

void readQueries(uint kv, uint at[4]) {
  for (uint c = gl_LocalInvocationID.x; c < rowWords * PER_WORD; c += THREADS) {
    float factor = c >= headDim ? 0 : TYPE == 0 ? scale : scale * uintBitsToFloat(ranges.at[kv * headDim + c]);
    [[unroll]] for (uint r = 0; r < 4; r++) {
      scaledQueries[c][r] = c < headDim ? queries.at[at[r] + c] * factor : 0;
    }
    keyZeros[c] = TYPE == 0 || c >= headDim ? 0 : int(ranges.at[(kvHeads + kv) * headDim + c]);
  }
  barrier();
}

vec4 scores(uint row) {
  vec4 sum = vec4(0);
  for (uint w = 0; w < rowWords; w++) {
    uint word = keys.at[row * rowWords + w];
    [[unroll]] for (uint i = 0; i < PER_WORD; i++) {
      uint c = w * PER_WORD + i;
      sum += scaledQueries[c] * stored(word, i, TYPE == 0 ? 0 : keyZeros[c]);
    }
  }
  return sum;
}

void attend(uint kv, uint firstRow) {
  uint thread = gl_LocalInvocationID.x;
  uint group = heads / kvHeads;
  uint at[4]; // of the four rows, in queries and outputs
  uvec4 visible;
  [[unroll]] for (uint r = 0; r < 4; r++) {
    uint row = min(firstRow + r, tokens * group - 1);
    at[r] = (row / group * heads + kv * group + row % group) * headDim;
    visible[r] = (PLACED ? uint(place.at[0]) : position) + row / group + 1;
  }
  readQueries(kv, at);
  vec4 sums[CHANNELS];
  [[unroll]] for (uint k = 0; k < CHANNELS; k++) {
    sums[k] = vec4(0);
  }
  vec4 largest = vec4(LEAST);
  vec4 total = vec4(0);
  for (uint first = 0; first < visible[3]; first += THREADS) {
    uint count = min(THREADS, visible[3] - first);
    uint row = kv * capacity + first + thread;
    vec4 score = thread < count ? scores(row) : vec4(0);
    bvec4 seen = lessThan(uvec4(first + thread), visible);
    vec4 next = max(largest, largestOfAll(mix(vec4(LEAST), score, seen)));
    vec4 shrink = exponentials(largest - next);
    vec4 weight = mix(vec4(0), exponentials(score - next), seen);
    [[unroll]] for (uint k = 0; k < 2; k++) {
      weights[k][thread] = TYPE == 0 || thread >= count ? weight : weight * thetas.at[2 * row + k];
      valueZeros[k][thread] = TYPE == 0 || thread >= count ? 0 : zeros.at[2 * row + k];
    }
    total = total * shrink + sumOfAll(weight); // its barriers make the weights seen
    largest = next;
    [[unroll]] for (uint k = 0; k < CHANNELS; k++) {
      uint c = k * THREADS + thread;
      sums[k] *= shrink;
      if (c < headDim) {
        uint salient = TYPE == 0 ? 0 : ranges.at[(2 * kvHeads + kv) * headDim + c];
        for (uint s = 0; s < count; s++) {
          uint word = values.at[(kv * capacity + first + s) * rowWords + c / PER_WORD];
          sums[k] += weights[salient][s] * stored(word, c % PER_WORD, TYPE == 0 ? 0 : valueZeros[salient][s]);
        }
      }
    }
    barrier(); // the next tile's weights go to the same place
  }
  [[unroll]] for (uint k = 0; k < CHANNELS; k++) {
    uint c = k * THREADS + thread;
    vec4 result = sums[k] / total;
    [[unroll]] for (uint r = 0; r < 4; r++) {
      if (c < headDim && firstRow + r < tokens * group) {
        outputs.at[at[r] + c] = result[r];
      }
    }
  }
  barrier(); // the next rows' queries go to the same place
}

void main() {
  uint fours = (tokens * (heads / kvHeads) + 3) / 4;
  for (uint i = gl_WorkGroupID.x; i < kvHeads * fours; i += gl_NumWorkGroups.x) {
    attend(i / fours, i % fours * 4);
  }
}
