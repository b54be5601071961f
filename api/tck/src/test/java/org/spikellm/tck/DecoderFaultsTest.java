package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.spikellm.tck.BackendTrial.broken;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** The rules for decoders bite: each broken one fails the rules that it breaks, and no others. */
class DecoderFaultsTest {

  private static DynamicTest brokenDecoder(String fault, BiFunction<Session, DecoderPlan, DecoderSession> decoders,
      String... rules) {
    return broken(fault, threads -> new NaiveSession(threads) {
      @Override
      public Optional<DecoderSession> decoder(DecoderPlan plan) {
        return Optional.of(decoders.apply(this, plan));
      }
    }, rules);
  }

  @Test
  @DisplayName("a backend that offers no decoder is not held to their rules")
  void none() {
    Verdict verdict = BackendTrial.verdict(new NaiveBackend(threads -> new NaiveSession(threads) {
      @Override
      public Optional<DecoderSession> decoder(DecoderPlan plan) {
        return Optional.empty();
      }
    }));
    assertEquals(Map.of(), verdict.failed());
    assertEquals(Set.of("B.70", "B.71", "B.72", "B.73", "B.74"), verdict.aborted().keySet());
    assertTrue(verdict.aborted().get("B.70").contains("offers no decoder"), verdict::toString);
  }

  @TestFactory
  Stream<DynamicTest> brokenModels() {
    return Stream.of(
        brokenDecoder("dense layers have no biases", (session, plan) -> new NaiveDecoder(plan, new PlainDecoder(session, plan) {
          @Override
          void addBias(DecoderPlan.Linear linear, Tensor out) {
            if (linear.quantized() != null) {
              super.addBias(linear, out);
            }
          }
        }), "B.70", "B.73", "B.74"),
        brokenDecoder("queries stay in float", (session, plan) -> new NaiveDecoder(plan, new PlainDecoder(session, plan) {
          @Override
          void encodeQueries(Tensor q, KeyValueEncoding encoding) {
            // as if there were nothing to do
          }
        }), "B.71"),
        brokenDecoder("floats lose digits", (session, plan) -> new NaiveDecoder(plan, new PlainDecoder(session, plan) {
          @Override
          Tensor apply(DecoderPlan.Linear linear, Tensor x) {
            Tensor input = x;
            if (linear.quantized() != null && linear.input() == null) {
              input = x.toF32();
              input.setFloat(0, 0, (float) (x.getFloat(0, 0) * (1 + 0x1p-8)));
            }
            return super.apply(linear, input);
          }
        }), "B.72", "B.73"),
        brokenDecoder("all tokens have the logits of the last one", (session, plan) -> new NaiveDecoder(session, plan) {
          @Override
          public boolean logits(Tensor hidden, Tensor logits) {
            for (int t = 0; t < hidden.rows(); t++) {
              super.logits(hidden.rows(hidden.rows() - 1, hidden.rows()), logits.rows(t, t + 1));
            }
            return true;
          }
        }, "B.70", "B.71", "B.72"),
        brokenDecoder("rotations begin anew with each call", (session, plan) -> new NaiveDecoder(session, plan) {
          @Override
          void run(Tensor x, Cache cache, int position, Tensor rope) {
            Tensor shifted = rope.toF32();
            for (int t = 0; t + position < rope.rows() && t < x.rows(); t++) {
              shifted.rows(t + position, t + position + 1).segment().copyFrom(rope.rows(t, t + 1).segment());
            }
            super.run(x, cache, position, shifted);
          }
        }, "B.70", "B.71", "B.72", "B.73", "B.74"));
  }

  @TestFactory
  Stream<DynamicTest> brokenCaches() {
    return Stream.of(
        brokenDecoder("all caches are one", (session, plan) -> new NaiveDecoder(session, plan) {
          private final Cache one = super.cache(DecoderCase.POSITIONS);

          @Override
          public Cache cache(int capacity) {
            return new HostCache(this, capacity, ((HostCache) one).blocks());
          }
        }, "B.73"),
        brokenDecoder("the cache of another is taken", (session, plan) -> new NaiveDecoder(session, plan) {
          @Override
          void check(Tensor x, Cache cache, int position, Tensor rope) {
            super.check(x, new HostCache(this, cache.capacity(), List.of()), position, rope);
          }
        }, "B.74"),
        brokenDecoder("a position that is filled anew keeps its first keys", (session, plan) -> new NaiveDecoder(session, plan) {
          private final Set<Integer> filled = new HashSet<>();

          @Override
          public Cache cache(int capacity) {
            filled.clear();
            return super.cache(capacity);
          }

          @Override
          void run(Tensor x, Cache cache, int position, Tensor rope) {
            Tensor keys = ((HostCache) cache).blocks().getFirst().keys();
            Tensor before = filled.add(position) ? null : keys.rows(position, position + 1).toF32();
            super.run(x, cache, position, rope);
            if (before != null && keys.dtype() == before.dtype()) {
              keys.rows(position, position + 1).segment().copyFrom(before.segment());
            }
          }
        }, "B.73"),
        brokenDecoder("does nothing where positions do not fit", (session, plan) -> new NaiveDecoder(session, plan) {
          @Override
          public void forward(Tensor x, Cache cache, int position, Tensor rope) {
            if (position + x.rows() <= Math.min(cache.capacity(), rope.rows())) {
              super.forward(x, cache, position, rope);
            }
          }
        }, "B.74"));
  }
}
