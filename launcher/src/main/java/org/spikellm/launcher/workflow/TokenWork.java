package org.spikellm.launcher.workflow;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * What a model has to read and to multiply for its tokens.
 *
 * @param shape sizes of every block
 * @param blocks number of blocks
 * @param headWeights vocabulary times hidden
 * @param blockBytes bytes of the weights of all blocks: each is read once for a chunk of tokens
 * @param headBytes bytes of the head
 * @param positionBytes bytes that one position takes in the key/value caches of all blocks
 * @param integers whether the blocks' linear layers multiply integers by integers
 */
record TokenWork(BlockShape shape, int blocks, long headWeights, long blockBytes, long headBytes, long positionBytes,
    boolean integers) {

  /** Bytes of a weight: codes, scales and zero points, those that classes share once; or the dense values. */
  static long bytes(LinearWeight weight) {
    return switch (weight) {
      case DenseWeight dense -> dense.values().segment().byteSize();
      case PartlyBinaryWeight binary -> binary.rows() * (long) binary.columns() * Float.BYTES;  // as it is computed with
      case QuantizedWeight quantized -> {
        Set<Tensor> tensors = Collections.newSetFromMap(new IdentityHashMap<>());
        for (CodeClass codes : quantized.classes()) {
          tensors.add(codes.codes());
          tensors.add(codes.scales());
          tensors.add(codes.zeros());
        }
        yield tensors.stream().mapToLong(tensor -> tensor.segment().byteSize()).sum();
      }
    };
  }

  /** Bytes of the weights of a block's linear layers. */
  static long bytes(Block block) {
    return block.linears().values().stream().mapToLong(linear -> bytes(linear.weight())).sum();
  }

  /** Bytes that one position takes in the key/value cache of a block: counts with θ and zero point of both classes, or floats. */
  static long positionBytes(Block block) {
    KeyValueEncoding encoding = block.keyValues();
    int channels = block.shape().headDim();
    long head = encoding == null ? 2L * channels * Float.BYTES
        : 2L * encoding.row(channels).bytes() + 2 * (Float.BYTES + Integer.BYTES);
    return block.shape().kvHeads() * head;
  }

  /** Bytes of the weights of blocks and head. */
  long weightBytes() {
    return blockBytes + headBytes;
  }

  /** Bits that a weight of the blocks takes, its share of scales and zero points included. */
  double bitsAWeight() {
    return 8.0 * blockBytes / ((double) blocks * shape.weights());
  }

  /** Floating-point operations of a prompt from an empty cache, two a multiply-add; logits are made after the last token only. */
  double promptFlops(int tokens) {
    double pairs = tokens * (tokens + 1.0) / 2;
    double attention = 2.0 * shape.heads() * shape.headDim() * pairs;
    return 2 * (blocks * ((double) tokens * shape.weights() + attention) + headWeights);
  }

  /** Bytes read for {@code count} tokens, one after another, the first of which stands at {@code position}. */
  double decodeBytes(int position, int count) {
    double seen = count * (position + (count + 1) / 2.0);
    return (double) count * weightBytes() + seen * positionBytes;
  }
}
