package org.spikellm.launcher.registry;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.DeviceLimits;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * A session of a plug-in's backend. What a kernel throws names the plug-in, and so do numbers that are not finite where its
 * inputs were: to look at what a product made costs one pass over it.
 *
 * @param session the plug-in's
 * @param guard who watches it
 */
record GuardedSession(Session session, Guard guard) implements Session {

  /** Runs a kernel; of inputs that it replaced by its output nothing is known. */
  private void run(String kernel, Runnable body, Tensor out, Tensor... inputs) {
    guard.run(kernel, body);
    if (!Guard.finite(out)) {
      for (Tensor input : inputs) {
        if (input.segment().equals(out.segment()) || !Guard.finite(input)) {
          return;
        }
      }
      throw guard.failure(kernel + " made numbers that are not finite, from inputs that are", null);
    }
  }

  @Override
  public void matmul(Tensor a, Tensor b, Tensor out) {
    run("matmul", () -> session.matmul(a, b, out), out, a, b);
  }

  @Override
  public boolean readsTiles() {
    return guard.ask("readsTiles", session::readsTiles);
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight) {
    return checked(weight, guard.call("prepare", () -> session.prepare(weight)));
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight, Encoding input) {
    return checked(weight, guard.call("prepare", () -> session.prepare(weight, input)));
  }

  private SpikingLinear checked(QuantizedWeight weight, SpikingLinear linear) {
    guard.require(linear.rows() == weight.rows() && linear.columns() == weight.columns(), "prepare made a layer of "
        + linear.rows() + " rows and " + linear.columns() + " columns, expected " + weight.rows() + " and " + weight.columns());
    return new Linear(linear, weight.classes().stream().map(CodeClass::scales).allMatch(Guard::finite));
  }

  @Override
  public void accumulate(List<SpikingLinear> layers, Tensor x, List<Tensor> outs) {
    boolean known = outs.stream().allMatch(Guard::finite) && layers.stream().allMatch(layer -> !(layer instanceof Linear watched)
        || watched.finite);
    List<SpikingLinear> plugin = layers.stream().map(layer -> layer instanceof Linear watched ? watched.linear : layer).toList();
    guard.run("accumulate", () -> session.accumulate(plugin, x, outs));
    if (known && Guard.finite(x) && !outs.stream().allMatch(Guard::finite)) {
      throw guard.failure("accumulate made numbers that are not finite, from inputs that are", null);
    }
  }

  private final class Linear implements SpikingLinear {

    private final SpikingLinear linear;
    /** Whether its scales are, which a damaged checkpoint's may not be. */
    private final boolean finite;

    Linear(SpikingLinear linear, boolean finite) {
      this.linear = linear;
      this.finite = finite;
    }

    @Override
    public int rows() {
      return linear.rows();
    }

    @Override
    public int columns() {
      return linear.columns();
    }

    @Override
    public boolean keepsWeight() {
      return linear.keepsWeight();
    }

    @Override
    public void accumulate(SpikeTrain x, Tensor out) {
      add(() -> linear.accumulate(x, out), x.thresholds(), out);
    }

    @Override
    public void accumulate(Tensor x, Tensor out) {
      add(() -> linear.accumulate(x, out), x, out);
    }

    /** The sum is judged where it was finite before. */
    private void add(Runnable body, Tensor input, Tensor out) {
      if (finite && Guard.finite(out)) {
        run("accumulate", body, out, input);
      } else {
        guard.run("accumulate", body);
      }
    }
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor out) {
    run("rmsNorm", () -> session.rmsNorm(x, weight, epsilon, out), out, x, weight);
  }

  @Override
  public void rope(Tensor x, int headDim, Tensor table, int position) {
    guard.run("rope", () -> session.rope(x, headDim, table, position));
  }

  @Override
  public void softmax(Tensor x) {
    guard.run("softmax", () -> session.softmax(x));
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    run("swiGlu", () -> session.swiGlu(gate, up, out), out, gate, up);
  }

  @Override
  public void encode(Tensor x, Encoding encoding, SpikeTrain out) {
    run("encode", () -> session.encode(x, encoding, out), out.thresholds(), x);
  }

  @Override
  public void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
    run("attention", () -> session.attention(queries, cache, position, out), out, queries);
  }

  @Override
  public int takes(int blocks, long blockBytes, long headBytes) {
    int taken = guard.ask("takes", () -> session.takes(blocks, blockBytes, headBytes));
    guard.require(taken >= 1 && taken <= Math.max(1, blocks), "takes answered " + taken + ", expected 1 to " + blocks);
    return taken;
  }

  @Override
  public Optional<DecoderSession> decoder(DecoderPlan plan) {
    return guard.call("decoder", () -> session.decoder(unwatched(plan))).map(decoder -> new GuardedDecoder(decoder, plan, guard));
  }

  @Override
  public Optional<DeviceLimits> limits() {
    return guard.call("limits", session::limits);
  }

  /** The same plan of what the plug-in made. */
  private static DecoderPlan unwatched(DecoderPlan plan) {
    List<DecoderPlan.Layer> blocks = plan.blocks().stream().map(block -> {
      Map<Projection, DecoderPlan.Linear> linears = new EnumMap<>(block.linears());
      linears.replaceAll((projection, linear) -> unwatched(linear));
      return new DecoderPlan.Layer(linears, block.attentionNorm(), block.mlpNorm(), block.keyValues());
    }).toList();
    return new DecoderPlan(plan.shape(), blocks, plan.finalNorm(), plan.head() == null ? null : unwatched(plan.head()));
  }

  private static DecoderPlan.Linear unwatched(DecoderPlan.Linear linear) {
    return linear.quantized() instanceof Linear watched
        ? new DecoderPlan.Linear(watched.linear, linear.dense(), linear.bias(), linear.input()) : linear;
  }

  /** Whether a layer's numbers are, as far as they were looked at. */
  static boolean finite(DecoderPlan.Linear linear) {
    return (linear.bias() == null || Guard.finite(linear.bias())) && (linear.quantized() instanceof Linear watched ? watched.finite
        : Guard.finite(linear.dense()));
  }

  /** What the body throws is the caller's. */
  @Override
  public void forEach(int count, IntConsumer body) {
    AtomicBoolean thrown = new AtomicBoolean();
    try {
      guard.context().call(() -> {
        session.forEach(count, index -> {
          try {
            body.accept(index);
          } catch (RuntimeException | Error e) {
            thrown.set(true);
            throw e;
          }
        });
        return true;
      });
    } catch (RuntimeException | Error e) {
      if (thrown.get()) {
        throw e;
      }
      throw guard.failure("forEach threw " + Listing.reason(e), e);
    }
  }

  @Override
  public void close() {
    guard.run("close", session::close);
  }
}
