package org.spikellm.model.training;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * The backward pass of causal attention. With scores {@code S = q kᵀ/√d}, probabilities {@code P = softmax(S)} and {@code o = P v} of a head:
 *
 * <pre>
 *   ∂v = Pᵀ ∂o      ∂P = ∂o vᵀ      ∂S = P ∘ (∂P − rowsum(∂o ∘ o))      ∂q = ∂S k/√d      ∂k = ∂Sᵀ q/√d
 * </pre>
 *
 * <p>P is computed again, head by head, so that the memory is that of one head: two F32 [tokens, tokens]. Keys and values of a kv head
 * gather the gradients of all query heads that share it.
 */
final class AttentionGradient {

  private final Session session;
  private final BlockShape shape;
  private final int tokens;
  private final Tensor scores;         // [tokens, tokens]
  private final Tensor square;         // [tokens, tokens]
  private final Tensor head;           // [tokens, headDim]
  private final Tensor other;          // [tokens, headDim]
  private final Tensor transposed;     // [headDim, tokens]

  AttentionGradient(Session session, BlockShape shape, int tokens, Arena arena) {
    this.session = session;
    this.shape = shape;
    this.tokens = tokens;
    scores = Tensor.allocate(arena, DType.F32, tokens, tokens);
    square = Tensor.allocate(arena, DType.F32, tokens, tokens);
    head = Tensor.allocate(arena, DType.F32, tokens, shape.headDim());
    other = Tensor.allocate(arena, DType.F32, tokens, shape.headDim());
    transposed = Tensor.allocate(arena, DType.F32, shape.headDim(), tokens);
  }

  /**
   * Runs it.
   *
   * @param queries F32 [tokens, heads · headDim], as attention saw them
   * @param keys F32 [tokens, kvHeads · headDim], likewise
   * @param values F32 [tokens, kvHeads · headDim], likewise
   * @param out attention's output, F32 [tokens, heads · headDim]
   * @param gradient ∂L/∂out
   * @param queryGradient replaced, as are the next two
   */
  void backward(Tensor queries, Tensor keys, Tensor values, Tensor out, Tensor gradient, Tensor queryGradient, Tensor keyGradient,
      Tensor valueGradient) {
    int group = shape.heads() / shape.kvHeads();
    queryGradient.clear();
    keyGradient.clear();
    valueGradient.clear();
    float scale = (float) (1 / Math.sqrt(shape.headDim()));
    for (int h = 0; h < shape.heads(); h++) {
      int kv = h / group;
      probabilities(queries, keys, h, kv, scale);
      Rows.transpose(session, scores, square);
      cut(gradient, h, head);
      Rows.transpose(session, head, transposed);
      session.matmul(square, transposed, other);
      addTo(valueGradient, kv, other, 1);

      cut(values, kv, other);
      session.matmul(head, other, square);
      cut(out, h, other);
      scoreGradient();
      cut(keys, kv, other);
      Rows.transpose(session, other, transposed);
      session.matmul(scores, transposed, other);
      addTo(queryGradient, h, other, scale);

      Rows.transpose(session, scores, square);
      cut(queries, h, head);
      Rows.transpose(session, head, transposed);
      session.matmul(square, transposed, other);
      addTo(keyGradient, kv, other, scale);
    }
  }

  /** {@link #scores} = P of head {@code h}. */
  private void probabilities(Tensor queries, Tensor keys, int h, int kv, float scale) {
    cut(queries, h, head);
    cut(keys, kv, other);
    session.matmul(head, other, scores);
    Rows.forEach(session, tokens, rows -> {
      float[] row = new float[tokens];
      for (int t = rows.from(); t < rows.to(); t++) {
        scores.readRow(t, row);
        for (int s = 0; s < tokens; s++) {
          row[s] = s <= t ? row[s] * scale : Float.NEGATIVE_INFINITY;
        }
        scores.writeRow(t, row);
      }
    });
    session.softmax(scores);
  }

  /** {@link #scores} = ∂S, from P in it, ∂P in {@link #square}, ∂o in {@link #head} and o in {@link #other}. */
  private void scoreGradient() {
    Rows.forEach(session, tokens, range -> {
      float[] p = new float[tokens];
      float[] dp = new float[tokens];
      float[] g = new float[shape.headDim()];
      float[] o = new float[shape.headDim()];
      for (int t = range.from(); t < range.to(); t++) {
        scores.readRow(t, p);
        square.readRow(t, dp);
        head.readRow(t, g);
        other.readRow(t, o);
        double sum = 0;
        for (int c = 0; c < g.length; c++) {
          sum += (double) g[c] * o[c];
        }
        float mean = (float) sum;
        for (int s = 0; s < tokens; s++) {
          p[s] *= dp[s] - mean;
        }
        scores.writeRow(t, p);
      }
    });
  }

  /** Copies head {@code h} of {@code x} into {@code out}, F32 [tokens, headDim]. */
  private void cut(Tensor x, int h, Tensor out) {
    long bytes = out.rowBytes();
    for (int t = 0; t < tokens; t++) {
      out.segment().asSlice(t * bytes, bytes).copyFrom(x.segment().asSlice(t * x.rowBytes() + h * bytes, bytes));
    }
  }

  /** Adds {@code part · scale} to head {@code h} of {@code x}. */
  private void addTo(Tensor x, int h, Tensor part, float scale) {
    int dim = shape.headDim();
    float[] sum = new float[dim];
    float[] add = new float[dim];
    for (int t = 0; t < tokens; t++) {
      long at = t * x.rowBytes() + h * part.rowBytes();
      MemorySegment.copy(x.segment(), Tensor.FLOAT, at, sum, 0, dim);
      part.readRow(t, add);
      for (int c = 0; c < dim; c++) {
        sum[c] += add[c] * scale;
      }
      MemorySegment.copy(sum, 0, x.segment(), Tensor.FLOAT, at, dim);
    }
  }
}
