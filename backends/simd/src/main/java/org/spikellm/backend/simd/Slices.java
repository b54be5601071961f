package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.spikellm.api.Tensor;

/** Cuts the product of tokens with blocks of rows into what a worker does at a time. */
final class Slices {

  /** Tokens of a slice: so many read what they need of some rows, some 100 KB, before other rows. */
  private static final int MAX_TOKENS = 32;

  /** A product of some tokens with some blocks of rows. */
  interface Slice {
    void run(int firstBlock, int lastBlock, int token, int count, int worker);
  }

  /** As {@link Slice}, adding to {@code sums}, [count][rows of the blocks]. */
  interface Adder {
    void add(int firstBlock, int lastBlock, int token, int count, float[] sums, int worker);
  }

  private Slices() {}

  /** Tokens are cut, and rows where these are few. */
  static void forEach(SimdSession session, int tokens, int blocks, int minBlocks, Slice slice) {
    if (blocks == 0 || tokens == 0) {
      return;
    }
    int threads = session.workers().threads();
    int tokenSlices = tokens == 1 ? 1 : Lanes.ceilDiv(Lanes.ceilDiv(tokens, MAX_TOKENS), threads) * threads;
    int chunk = Lanes.ceilDiv(tokens, tokenSlices);
    int chunks = Lanes.ceilDiv(tokens, chunk);
    int[] cuts = cut(blocks, minBlocks, threads / chunks);
    int rowSlices = cuts.length - 1;
    session.workers().forEach(chunks * rowSlices, (index, worker) -> {
      int from = index / rowSlices * chunk;
      int part = index % rowSlices;
      slice.run(cuts[part], cuts[part + 1], from, Math.min(chunk, tokens - from), worker);
    });
  }

  /** Adds to {@code out}, [tokens, rows] with {@code blockRows} rows a block, which lies in arrays meanwhile. */
  static void accumulate(SimdSession session, Tensor out, int blockRows, int minBlocks, Adder adder) {
    int rows = out.columns();
    forEach(session, out.rows(), Lanes.ceilDiv(rows, blockRows), minBlocks, (first, last, token, count, worker) -> {
      int width = (last - first) * blockRows;
      int length = Math.min(width, rows - first * blockRows);
      float[] sums = session.scratch(worker).a(count * width);
      for (int t = 0; t < count; t++) {
        MemorySegment.copy(out.segment(), Tensor.FLOAT, (token + t) * out.rowBytes() + (long) first * blockRows * Float.BYTES, sums,
            t * width, length);
      }
      adder.add(first, last, token, count, sums, worker);
      for (int t = 0; t < count; t++) {
        MemorySegment.copy(sums, t * width, out.segment(), Tensor.FLOAT,
            (token + t) * out.rowBytes() + (long) first * blockRows * Float.BYTES, length);
      }
    });
  }

  /** Equal parts of blocks, up to {@code parts}, of {@code minBlocks} or more: the first block of each, and the number of blocks. */
  static int[] cut(int blocks, int minBlocks, int parts) {
    int count = Math.min(Math.clamp(blocks / minBlocks, 1, Math.max(1, parts)), blocks);
    return IntStream.rangeClosed(0, count).map(i -> (int) ((long) blocks * i / Math.max(1, count))).toArray();
  }
}
