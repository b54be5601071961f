package org.spikellm.launcher.registry;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.spikellm.api.Availability;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** A plug-in's backend whose small product at the start is right, and which goes wrong later. */
class GuardedSessionTest {

  /** Right for the product 1·4 + 2·0 + 3·5, and what the test says for others. */
  private static class Faulty implements Session {

    private static final float PRODUCT = 19;
    private float made = 1;
    private int rows;

    @Override
    public void matmul(Tensor a, Tensor b, Tensor out) {
      out.setFloat(0, 0, b.getFloat(0, 0) == 4 ? PRODUCT : made);
    }

    @Override
    public SpikingLinear prepare(QuantizedWeight weight) {
      return new SpikingLinear() {
        @Override
        public int rows() {
          return weight.rows() + rows;
        }

        @Override
        public int columns() {
          return weight.columns();
        }

        @Override
        public void accumulate(SpikeTrain x, Tensor out) {
          out.setFloat(0, 0, made);
        }

        @Override
        public void accumulate(Tensor x, Tensor out) {
          out.setFloat(0, 0, x.getFloat(0, 2) == 3 ? PRODUCT : made);
        }
      };
    }

    /** Refuses layers that it did not make; makes twice the capacity that is asked of it where rows are wrong. */
    @Override
    public Optional<DecoderSession> decoder(DecoderPlan plan) {
      if (plan.head().quantized().getClass().getEnclosingClass() != Faulty.class) {
        throw new IllegalArgumentException("not of this session");
      }
      return Optional.of(new DecoderSession() {
        @Override
        public Cache cache(int capacity) {
          return () -> capacity * (1 + rows);
        }

        @Override
        public void forward(Tensor x, Cache cache, int position, Tensor rope) {
          x.setFloat(0, 0, made);
        }

        @Override
        public void next(Tensor x, Cache cache, int position, Tensor rope, Tensor logits) {
          logits.setFloat(0, 0, made);
        }

        @Override
        public void close() {}
      });
    }

    @Override
    public void rope(Tensor x, int headDim, Tensor table, int position) {
      throw new IllegalArgumentException("rope: expected something else");
    }

    @Override
    public void close() {}
  }

  private final Faulty faulty = new Faulty();
  private final Tensor out = Tensor.of(1, 0);

  private Session open(Faulty session) throws RegistryException {
    ComputeBackend backend = new ComputeBackend() {
      @Override
      public String id() {
        return "faulty";
      }

      @Override
      public Availability probe() {
        return new Availability.Available("nothing", 1);
      }

      @Override
      public Session open(int threads) {
        return session;
      }
    };
    Listing listing = Listing.load(Kind.BACKEND, "Faulty", new Origin(Origin.Way.BUNDLE, "some.module", "1.0", Path.of("dir",
        "faulty.jar")), () -> backend);
    return new Registry(List.of(listing), List.of(), Map.of()).find(ComputeBackend.class, "faulty").open(1);
  }

  private static QuantizedWeight weight(float scale) {
    Tensor codes = Tensor.allocate(DType.U8, 1, 3);
    return new QuantizedWeight(1, ChannelOrder.identity(3), List.of(new CodeClass(3, Byte.SIZE, 0, new int[] {3}, codes,
        Tensor.of(1, scale), Tensor.allocate(DType.I16, 1, 1))));
  }

  private static void blamed(Executable call, String... parts) {
    ProviderFailure failure = assertThrows(ProviderFailure.class, call);
    for (String part : Stream.concat(Stream.of("backend 'faulty' of faulty.jar (some.module)"), Stream.of(parts)).toList()) {
      assertTrue(failure.getMessage().contains(part), failure.getMessage());
    }
  }

  @Test
  void numbersThatAreNotFiniteNameThePlugin() throws RegistryException {
    try (Session session = open(faulty)) {
      SpikingLinear linear = session.prepare(weight(1));
      for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
        faulty.made = wrong;
        blamed(() -> session.matmul(Tensor.of(1, 1), Tensor.of(1, 1), out), "matmul made numbers that are not finite");
        blamed(() -> linear.accumulate(Tensor.of(1, 1, 1, 1), Tensor.of(1, 0)), "accumulate made numbers that are not finite");
        blamed(() -> session.accumulate(List.of(linear, linear), Tensor.of(1, 1, 1, 1), List.of(Tensor.of(1, 0),
            Tensor.of(1, 0))), "accumulate made numbers that are not finite");
      }
      faulty.made = Float.MAX_VALUE;
      session.matmul(Tensor.of(1, 1), Tensor.of(1, 1), out);
      assertEquals(Float.MAX_VALUE, out.getFloat(0, 0));
    }
  }

  @Test
  void decodersAreWatchedToo() throws RegistryException {
    try (Session session = open(faulty)) {
      DecoderPlan.Linear head = new DecoderPlan.Linear(session.prepare(weight(1)), null, null, null);
      DecoderPlan.Linear damaged = new DecoderPlan.Linear(session.prepare(weight(Float.NaN)), null, null, null);
      Tensor norm = Tensor.of(1, 1, 1, 1);
      BlockShape shape = new BlockShape(3, 1, 1, 2, 4, 1e-5f);
      DecoderSession decoder = session.decoder(new DecoderPlan(shape, List.of(), norm, head)).orElseThrow();
      DecoderSession.Cache cache = decoder.cache(4);
      decoder.next(Tensor.of(1, 1, 2, 3), cache, 0, norm, out);
      assertEquals(1, out.getFloat(0, 0));
      faulty.made = Float.NaN;
      blamed(() -> decoder.next(Tensor.of(1, 1, 2, 3), cache, 0, norm, out), "next of a decoder made numbers that are not finite");
      blamed(() -> decoder.forward(Tensor.of(1, 1, 2, 3), cache, 0, norm), "forward of a decoder made numbers");
      assertDoesNotThrow(() -> decoder.forward(Tensor.of(1, 1, Float.NaN, 3), cache, 0, norm));
      DecoderSession other = session.decoder(new DecoderPlan(shape, List.of(), norm, damaged)).orElseThrow();
      assertDoesNotThrow(() -> other.next(Tensor.of(1, 1, 2, 3), cache, 0, norm, out));
      faulty.rows = 1;
      blamed(() -> decoder.cache(4), "cache made one of 8 positions, expected 4");
    }
  }

  @Test
  void whatCameInSoIsNotItsFault() throws RegistryException {
    try (Session session = open(faulty)) {
      SpikingLinear linear = session.prepare(weight(1));
      SpikingLinear damaged = session.prepare(weight(Float.NaN));
      faulty.made = Float.NaN;
      assertDoesNotThrow(() -> session.matmul(Tensor.of(1, Float.NaN), Tensor.of(1, 1), out));
      assertDoesNotThrow(() -> session.matmul(Tensor.of(1, 1), Tensor.of(1, Float.POSITIVE_INFINITY), out));
      assertDoesNotThrow(() -> linear.accumulate(Tensor.of(1, 1, 1, Float.NaN), Tensor.of(1, 0)));
      assertDoesNotThrow(() -> linear.accumulate(Tensor.of(1, 1, 1, 1), Tensor.of(1, Float.NaN)));
      assertDoesNotThrow(() -> damaged.accumulate(Tensor.of(1, 1, 1, 1), Tensor.of(1, 0)));
      List<Tensor> outs = List.of(Tensor.of(1, 0), Tensor.of(1, 0));
      assertDoesNotThrow(() -> session.accumulate(List.of(linear, damaged), Tensor.of(1, 1, 1, 1), outs));
      assertDoesNotThrow(() -> session.accumulate(List.of(linear, linear), Tensor.of(1, 1, 1, Float.NaN), List.of(Tensor.of(1, 0),
          Tensor.of(1, 0))));
    }
  }

  @Test
  void alsoWhatItRefusesNamesIt() throws RegistryException {
    try (Session session = open(faulty)) {
      blamed(() -> session.rope(out, 1, out, 0), "rope threw IllegalArgumentException: rope: expected something else");
    }
  }

  @Test
  void aLayerOfAnotherShapeNamesIt() throws RegistryException {
    try (Session session = open(faulty)) {
      faulty.rows = 2;
      blamed(() -> session.prepare(weight(1)), "prepare made a layer of 3 rows and 3 columns, expected 1 and 3");
    }
  }

  @Test
  void whatABodyThrowsIsTheCallers() throws RegistryException {
    IllegalStateException thrown = new IllegalStateException("of the body");
    try (Session session = open(faulty)) {
      assertSame(thrown, assertThrows(IllegalStateException.class, () -> session.forEach(3, index -> {
        throw thrown;
      })));
    }
    try (Session session = open(new Faulty() {
      @Override
      public void forEach(int count, IntConsumer body) {
        throw new ArithmeticException("of its own");
      }
    })) {
      blamed(() -> session.forEach(3, index -> { }), "forEach threw ArithmeticException: of its own");
    }
  }

  /** One that was left out would run the plain default in place of the plug-in's. */
  @Test
  void everyMethodOfASessionIsPassedOn() {
    Set<String> passed = Stream.of(GuardedSession.class.getDeclaredMethods()).map(GuardedSessionTest::signature)
        .collect(Collectors.toSet());
    for (Method method : Session.class.getMethods()) {
      assertTrue(passed.contains(signature(method)), method.toString());
    }
  }

  private static String signature(Method method) {
    return method.getName() + Arrays.toString(method.getParameterTypes());
  }
}
