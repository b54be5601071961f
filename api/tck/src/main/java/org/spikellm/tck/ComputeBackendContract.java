package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DType;
import org.spikellm.api.Session;

/**
 * What every compute backend is held to; the rules are explained in SPEC.md. A backend's test is a subclass with
 * {@link #backend}.
 *
 * <p>Where the backend is unavailable the whole contract is skipped with the probe's reason, unless the system property
 * {@code tck.require}, a list of ids with commas between them, names it. The cases follow from the system property
 * {@code tck.seed}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ComputeBackendContract {

  private Session session;

  /** The backend under test, with its default options. */
  protected abstract ComputeBackend backend();

  @BeforeAll
  final void openOrSkip() {
    Availability answer;
    try {
      answer = backend().probe();
    } catch (RuntimeException e) {
      session = backend().open(2); // rule B.1 says that probe throws
      return;
    }
    if (answer instanceof Availability.Unavailable unavailable) {
      String reason = "backend '" + backend().id() + "' is unavailable: " + unavailable.reason();
      if (Arrays.asList(System.getProperty("tck.require", "").split(",")).contains(backend().id())) {
        fail(reason + " (tck.require names it)");
      }
      assertThrows(IllegalStateException.class, () -> backend().open(1), "open() of an unavailable backend");
      Assumptions.abort(reason);
    }
    session = backend().open(2);
  }

  @AfterAll
  final void close() {
    if (session != null) {
      session.close();
    }
  }

  @Test
  @DisplayName("P.1 provider: the id is lower-case letters, digits and hyphens")
  final void id() {
    ProviderRules.id(backend());
  }

  @Test
  @DisplayName("P.2 provider: options have defaults and cannot be changed from outside")
  final void options() {
    ProviderRules.options(backend());
  }

  @Test
  @DisplayName("P.3 provider: configure gives a provider of the same kind and id")
  final void configure() {
    ProviderRules.configure(ComputeBackend.class, backend());
  }

  @Test
  @DisplayName("P.4 provider: a value that cannot be used is refused by key and value")
  final void refusal() {
    ProviderRules.refusal(backend());
  }

  @Test
  @DisplayName("P.5 provider: it is a public class with a public constructor without parameters")
  final void constructor() {
    ProviderRules.constructor(backend());
  }

  @Test
  @DisplayName("B.1 probe: it does not throw, and says of what can be opened that it can")
  final void probe() {
    for (int turn = 0; turn < 2; turn++) {
      var available = assertInstanceOf(Availability.Available.class, backend().probe());
      assertFalse(available.device().isBlank(), "the device is not named");
      assertTrue(available.speed() >= 0, "speed rank " + available.speed() + ": expected 0 or more");
    }
    backend().open(1).close();
  }

  @Test
  @DisplayName("B.2 close: a second call does nothing")
  final void closesTwice() {
    SessionRules.closesTwice(backend());
  }

  @Test
  @DisplayName("B.3 close: threads are given back")
  final void givesThreadsBack() throws InterruptedException {
    SessionRules.givesThreadsBack(backend());
  }

  @Test
  @DisplayName("B.4 sessions: two of them on two threads do not disturb each other")
  final void independentSessions() throws InterruptedException {
    SessionRules.independent(backend());
  }

  @Test
  @DisplayName("B.5 threads: results do not depend on their number")
  final void anyNumberOfThreads() {
    SessionRules.threads(backend());
  }

  @Test
  @DisplayName("B.6 rows: the result of a row does not depend on the rows beside it, except in matmul")
  final void independentRows() {
    SessionRules.rows(session);
  }

  @Test
  @DisplayName("B.7 memory: nothing is written beside the outputs")
  final void bounds() {
    SessionRules.bounds(session);
  }

  @Test
  @DisplayName("B.8 memory: inputs are not changed")
  final void inputsStay() {
    SessionRules.inputs(session);
  }

  @Test
  @DisplayName("B.9 memory: odd addresses give the same bytes")
  final void anyAddress() {
    SessionRules.alignment(session);
  }

  @Test
  @DisplayName("B.10 shapes: what does not fit is refused with what was expected and found")
  final void shapes() {
    ShapeRules.check(session);
  }

  @Test
  @DisplayName("B.11 forEach: every index once, what a call throws is thrown, and no call runs on")
  final void forEach() {
    for (int threads = 1; threads <= 3; threads++) {
      try (Session session = backend().open(threads)) {
        SessionRules.everyIndexOnce(session);
      }
    }
  }

  @Test
  @DisplayName("B.12 limits: finite, positive rates, and the session works on")
  final void limits() {
    SessionRules.limits(backend());
  }

  @Test
  @DisplayName("B.20 matmul: F32 factors, within (k + 1) roundings")
  final void matmulF32() {
    MatmulRules.product(session, DType.F32);
  }

  @Test
  @DisplayName("B.21 matmul: an F16 right factor")
  final void matmulF16() {
    MatmulRules.product(session, DType.F16);
  }

  @Test
  @DisplayName("B.22 matmul: a BF16 right factor")
  final void matmulBf16() {
    MatmulRules.product(session, DType.BF16);
  }

  @Test
  @DisplayName("B.30 spiking linear: the integer part is exact")
  final void exactIntegers() {
    LinearRules.integers(session);
  }

  @Test
  @DisplayName("B.31 spiking linear: integers past 32 bits are exact")
  final void largeIntegers() {
    LinearRules.largeIntegers(session);
  }

  @Test
  @DisplayName("B.32 spiking linear: extreme codes, counts and zero points")
  final void extremes() {
    LinearRules.extremes(session);
  }

  @Test
  @DisplayName("B.33 spiking linear: scales and thresholds of zero contribute nothing")
  final void zeroScales() {
    LinearRules.zeroScales(session);
  }

  @Test
  @DisplayName("B.34 spiking linear: it adds to what is in out")
  final void accumulates() {
    LinearRules.accumulates(session);
  }

  @Test
  @DisplayName("B.35 spiking linear: scales are applied in order, each step rounded to float")
  final void rounding() {
    LinearRules.rounding(session);
  }

  @Test
  @DisplayName("B.36 spiking linear: inputs that are not encoded")
  final void floatInputs() {
    LinearRules.floats(session);
  }

  @Test
  @DisplayName("B.37 spiking linear: prepared weights keep apart and know their shape")
  final void prepared() {
    LinearRules.prepared(session);
  }

  @Test
  @DisplayName("B.38 spiking linear: weights that are spike trains, in groups of any widths")
  final void weightTrains() {
    WeightTrainRules.weightTrains(session);
  }

  @Test
  @DisplayName("B.39 spiking linear: weights that it says it does not keep may be given back")
  final void given() {
    LinearRules.given(session);
  }

  @Test
  @DisplayName("B.40 rmsNorm")
  final void rmsNorm() {
    ElementwiseRules.rmsNorm(session);
  }

  @Test
  @DisplayName("B.41 rope")
  final void rope() {
    ElementwiseRules.rope(session);
  }

  @Test
  @DisplayName("B.42 softmax: any distance between the elements")
  final void softmax() {
    ElementwiseRules.softmax(session);
  }

  @Test
  @DisplayName("B.43 swiGlu: gates of any size")
  final void swiGlu() {
    ElementwiseRules.swiGlu(session);
  }

  @Test
  @DisplayName("B.44 rmsNorm, swiGlu: out may be an input")
  final void inPlace() {
    ElementwiseRules.inPlace(session);
  }

  @Test
  @DisplayName("B.50 encode: counts at once are exact")
  final void encodeAtOnce() {
    EncodeRules.ordinary(session, true);
    EncodeRules.ties(session);
  }

  @Test
  @DisplayName("B.51 encode: step by step, each neuron fires what it fires")
  final void encodeStepByStep() {
    EncodeRules.ordinary(session, false);
    EncodeRules.leaky(session);
  }

  @Test
  @DisplayName("B.52 encode: constant rows, huge and tiny ranges")
  final void encodeExtremes() {
    EncodeRules.extreme(session);
  }

  @Test
  @DisplayName("B.53 encode: the golden spike trains")
  final void encodeGolden() {
    EncodeRules.golden(session);
  }

  @Test
  @DisplayName("B.60 attention: over floats")
  final void attentionOverFloats() {
    AttentionRules.floats(session);
  }

  @Test
  @DisplayName("B.61 attention: over spikes")
  final void attentionOverSpikes() {
    AttentionRules.spikes(session);
  }

  @Test
  @DisplayName("B.62 attention: no later position is looked at")
  final void attentionIsCausal() {
    AttentionRules.later(session);
  }

  @Test
  @DisplayName("B.63 attention: over spikes in rows of 4, 5 and 6 bits")
  final void attentionOverPackedSpikes() {
    AttentionRules.packed(session);
  }

  @Test
  @DisplayName("B.70 decoder: a float model, prompts and tokens one by one")
  final void decoderOfFloats() {
    DecoderRules.prompts(session, DecoderCase.Form.FLOAT);
  }

  @Test
  @DisplayName("B.71 decoder: spikes into linear layers, keys and values")
  final void decoderOfSpikes() {
    DecoderRules.prompts(session, DecoderCase.Form.SPIKES);
  }

  @Test
  @DisplayName("B.72 decoder: weights that are spike trains, inputs that are not encoded")
  final void decoderOfTernaryWeights() {
    DecoderRules.prompts(session, DecoderCase.Form.TERNARY);
  }

  @Test
  @DisplayName("B.73 decoder: caches are cut, filled anew, and keep apart")
  final void decoderCaches() {
    DecoderRules.caches(session);
  }

  @Test
  @DisplayName("B.74 decoder: what does not fit is refused, and changes nothing")
  final void decoderMisfits() {
    DecoderRules.misfits(session);
  }

  @Test
  @DisplayName("B.75 spiking linear: codes in tiles")
  final void tiles() {
    LinearRules.tiles(session);
  }

  @Test
  @DisplayName("B.76 spiking linear: layers that share an input")
  final void together() {
    LinearRules.together(session);
  }
}
