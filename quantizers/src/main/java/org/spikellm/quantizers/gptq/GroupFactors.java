package org.spikellm.quantizers.gptq;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.spikellm.api.DType;
import org.spikellm.api.Encoding;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.HessianFactor;

/**
 * The factors of the Hessian that the layers of one group share, in the orders that these are quantized in; layers of one order share
 * theirs.
 */
final class GroupFactors {

  private final Tensor hessian;
  private final LayerByLayer.Settings settings;
  private final Session session;
  private final Arena arena;
  private int[] order;
  private HessianFactor factor;

  /**
   * None yet.
   *
   * @param hessian F32 [channels, channels], in the channels' own order; not changed
   * @param arena what layers and factors live in
   */
  GroupFactors(Tensor hessian, LayerByLayer.Settings settings, Session session, Arena arena) {
    this.hessian = hessian;
    this.settings = settings;
    this.session = session;
    this.arena = arena;
  }

  /**
   * A layer of the group, its columns in the order of quantization.
   *
   * @param weight [rows, channels], in the channels' own order
   * @param input how its input is encoded, or null
   * @param byInputClass whether columns whose inputs are of one class come one after another
   * @param damped is told when the Hessian is damped more
   * @throws IllegalArgumentException if the Hessian is not positive definite
   */
  Layer layer(Tensor weight, Encoding input, boolean byInputClass, IntConsumer damped) {
    int[] wanted = order(input, byInputClass);
    if (!Arrays.equals(wanted, order)) {
      order = wanted;
      factor = HessianFactor.of(gather(hessian, order), settings.damping(), session, damped).invert();
    }
    return new Layer(gather(weight, IntStream.range(0, weight.rows()).toArray()), order, factor, input, session);
  }

  /** A copy with columns by {@link #order}, rows by another one. */
  private Tensor gather(Tensor from, int[] rows) {
    Tensor to = Tensor.allocate(arena, DType.F32, from.rows(), from.columns());
    session.forEach(rows.length, r -> {
      float[] natural = new float[order.length];
      float[] ordered = new float[order.length];
      from.readRow(rows[r], natural);
      for (int j = 0; j < order.length; j++) {
        ordered[j] = natural[order[j]];
      }
      to.writeRow(r, ordered);
    });
    return to;
  }

  private int[] order(Encoding input, boolean byInputClass) {
    int n = hessian.rows();
    List<Comparator<Integer>> keys = new ArrayList<>();
    if (byInputClass) {
      int[] classOf = ColumnClasses.classes(input, n);
      keys.add(Comparator.comparingInt(channel -> classOf[channel]));
    }
    if (settings.activationOrder()) {
      keys.add(Comparator.comparing(channel -> -hessian.getFloat(channel, channel)));
    }
    keys.add(Comparator.naturalOrder());
    return IntStream.range(0, n).boxed().sorted(keys.stream().reduce(Comparator::thenComparing).orElseThrow()).mapToInt(i -> i)
        .toArray();
  }
}
