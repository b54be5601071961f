#version 460
// Keys, which it rotates, and values of consecutive positions into the cache, as floats or as spike counts. A workgroup has a
// token and a kv head, a thread channels.

layout(constant_id = 1) const uint TYPE = 0; // of what is cached: F32, I8, I16

#include "memory.glsl"
#include "spike_range.glsl"
#include "rows.glsl"
#include "rotation.glsl"

layout(push_constant) uniform Arguments {
  Floats keyRows;   // [tokens, kvHeads, headDim]
  Floats valueRows;
  Words keys;       // [kvHeads, capacity, rowWords]
  Words values;
  Words ranges;     // as in attention.comp
  Floats thetas;    // [kvHeads, capacity, 2], of values: plain, salient
  Ints zeros;
  Ints position;    // of the first token
  Floats table;     // [tokens, headDim], of rotations
  uint tokens;
  uint kvHeads;
  uint headDim;
  uint rowWords;
  uint capacity;
  int leasts[2];    // counts: plain, salient
  int mosts[2];
  int offset;       // what is taken off a count
  uint bothSigns;
};

const uint PER_WORD = TYPE == 0 ? 1 : TYPE == 1 ? 4 : 2;
const int BITS = int(32 / PER_WORD);

const uint MOST_WORDS = 256; // of 512 channels, 16 bits each
shared uint keyWords[MOST_WORDS];
shared uint valueWords[MOST_WORDS];

// The count of channel c, where a word has it.
uint asPart(float x, float theta, float zero, uint salient, uint c) {
  int count = int(countOf(x, theta, zero, float(leasts[salient]), float(mosts[salient]))) - offset;
  return uint(count & (PER_WORD == 4 ? 0xff : 0xffff)) << (int(c % PER_WORD) * BITS);
}

void main() {
  uint thread = gl_LocalInvocationID.x;
  uint channels = kvHeads * headDim;
  for (uint pair = gl_WorkGroupID.x; pair < tokens * kvHeads; pair += gl_NumWorkGroups.x) {
    uint kv = pair % kvHeads;
    uint from = pair / kvHeads * channels + kv * headDim;
    uint tableFrom = pair / kvHeads * headDim;
    uint row = kv * capacity + uint(position.at[0]) + pair / kvHeads;
    if (TYPE == 0) {
      for (uint c = thread; c < headDim; c += THREADS) {
        keys.at[row * rowWords + c] = floatBitsToUint(rotatedChannel(keyRows, from, table, tableFrom, headDim, c));
        values.at[row * rowWords + c] = floatBitsToUint(valueRows.at[from + c]);
      }
      continue;
    }
    float high = -uintBitsToFloat(0x7f800000u);
    float negativeLow = high;
    for (uint c = thread; c < headDim; c += THREADS) {
      float x = valueRows.at[from + c];
      high = max(high, x);
      negativeLow = max(negativeLow, -x);
    }
    vec4 ends = largestOfAll(vec4(high, negativeLow, 0, 0));
    float theta[2];
    float zero[2];
    for (uint k = 0; k < 2; k++) {
      theta[k] = thetaOf(ends.x, ends.y, float(mosts[k]), bothSigns != 0);
      zero[k] = zeroOf(ends.y, theta[k], bothSigns != 0);
      if (thread == 0) {
        thetas.at[2 * row + k] = theta[k];
        zeros.at[2 * row + k] = int(zero[k]) - offset;
      }
    }
    for (uint w = thread; w < rowWords; w += THREADS) {
      keyWords[w] = 0;
      valueWords[w] = 0;
    }
    barrier();
    for (uint c = thread; c < headDim; c += THREADS) {
      uint channel = kv * headDim + c;
      float keyTheta = uintBitsToFloat(ranges.at[channel]);
      float keyZero = float(int(ranges.at[channels + channel]) + offset);
      float key = rotatedChannel(keyRows, from, table, tableFrom, headDim, c);
      atomicOr(keyWords[c / PER_WORD], asPart(key, keyTheta, keyZero, ranges.at[3 * channels + channel], c));
      uint salient = ranges.at[2 * channels + channel];
      atomicOr(valueWords[c / PER_WORD], asPart(valueRows.at[from + c], theta[salient], zero[salient], salient, c));
    }
    barrier();
    for (uint w = thread; w < rowWords; w += THREADS) {
      keys.at[row * rowWords + w] = keyWords[w];
      values.at[row * rowWords + w] = valueWords[w];
    }
    barrier(); // the next row's words go to the same place
  }
}
