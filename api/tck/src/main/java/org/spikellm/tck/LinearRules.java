package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;
import org.spikellm.tck.LinearCase.Form;
import org.spikellm.tck.LinearCase.Spikes;
import org.spikellm.tck.LinearCase.Weights;

/** Rules B.30 to B.37, B.39, B.75 and B.76. */
final class LinearRules {

  static final int WHOLE = Integer.MAX_VALUE;

  /** How counts are stored. */
  record Storage(DType type, int planes, int offset) {}

  static final List<Storage> STORAGES = List.of(new Storage(DType.I8, 1, 0), new Storage(DType.I8, 1, 128),
      new Storage(DType.I16, 1, 0), new Storage(DType.I8, 4, 0));

  private LinearRules() {}

  /** Bits, group sizes and storages crossed, classes and shapes taken in turn; then every ragged size in each place. */
  static void integers(Session session) {
    int turn = 0;
    for (int bits = 1; bits <= 8; bits++) {
      for (int group : new int[] {WHOLE, 1, 7, 32, 128}) {
        for (Storage storage : STORAGES) {
          int columns = Draw.RAGGED[turn % 14];
          int rows = Draw.RAGGED[(turn * 5 + 3) % 12];
          exact(session, 1 + turn % 5, rows, split(columns, turn, bits, group), storage);
          turn++;
        }
      }
    }
    for (int bits = 1; bits <= 8; bits++) {
      for (int size : Draw.RAGGED) {
        Storage storage = STORAGES.get(turn++ % STORAGES.size());
        exact(session, 2, 9, split(size, turn, bits, WHOLE), storage);
        exact(session, 3, Math.min(size, bits == 4 ? 1021 : 65), List.of(new Form(33, bits, WHOLE)), storage);
        exact(session, Math.min(size, bits == 4 ? 1021 : 33), 5, List.of(new Form(65, bits, 128)), storage);
      }
    }
  }

  /** One to three classes, some of them empty. */
  private static List<Form> split(int columns, int turn, int bits, int group) {
    int salient = columns / 4;
    return switch (turn % 6) {
      case 0 -> List.of(new Form(columns, bits, group));
      case 1 -> List.of(new Form(columns - salient, bits, group), new Form(salient, bits, group));
      case 2 -> List.of(new Form(columns, bits, group), new Form(0, bits, group));
      case 3 -> List.of(new Form(columns - 2 * salient, bits, group), new Form(salient, Math.max(1, 9 - bits), WHOLE),
          new Form(salient, bits, group));
      case 4 -> List.of(new Form(0, bits, group), new Form(columns, bits, group));
      default -> List.of(new Form(columns - salient, bits, group), new Form(0, 8, group), new Form(salient, 8, WHOLE));
    };
  }

  static void exact(Session session, int tokens, int rows, List<Form> forms, Storage storage) {
    Draw draw = new Draw("spiking linear of " + tokens + " tokens, " + rows + " rows, " + forms + ", " + storage);
    LinearCase linear = LinearCase.of(draw, tokens, rows, forms, Weights.powers(draw, forms.getLast().bits()),
        Spikes.powers(draw, storage.type, storage.planes, storage.offset), Placement.ALIGNED);
    check(session, draw, linear, 0);
  }

  static void check(Session session, Draw draw, LinearCase linear, double sigma) {
    SpikeTrain train = linear.train();
    Tensor out = draw.normal(Placement.ALIGNED.tensor(DType.F32, train.tokens(), linear.weight().rows()), sigma);
    float[] before = out.toFloats();
    session.prepare(linear.weight(), hint(linear.weight(), train.tokens())).accumulate(train, out);
    new LinearOracle(linear.weight()).check(train, before, out, draw.toString());
  }

  /**
   * Integers past 2³¹, and past it on the way only: half of a row's products are large and positive, the others as large and
   * negative, so that what is left shows the last digit.
   */
  static void largeIntegers(Session session) {
    for (int bits : new int[] {2, 4, 8}) {
      int top = (1 << bits) - 1;
      int columns = 28_672;
      Draw draw = new Draw("spiking linear of large integers, " + bits + " bits");
      Weights weights = new Weights(b -> top, () -> 0, DType.F32, () -> 0.5);
      for (int stored : new int[] {510, Short.MAX_VALUE}) {
        Spikes spikes = new Spikes(DType.I16, 1, 0, () -> stored, () -> 0, () -> 2);
        check(session, draw, LinearCase.of(draw, 2, 3, List.of(new Form(columns, bits, WHOLE)), weights, spikes,
            Placement.ALIGNED), 0);
      }
      int[] at = {0};
      Weights halves = new Weights(b -> at[0]++ % columns < columns / 2 ? top : 0, () -> (top + 1) / 2, DType.F32, () -> 1);
      int[] place = {0};
      Spikes cancelling = new Spikes(DType.I16, 1, 0,
          () -> (place[0]++ % columns < columns / 2 ? (top + 1) / 2 : top / 2) * (Short.MAX_VALUE / (top + 1))
              - draw.between(0, 2), () -> 0, () -> 1);
      check(session, draw, LinearCase.of(draw, 2, 3, List.of(new Form(columns, bits, WHOLE)), halves, cancelling,
          Placement.ALIGNED), 0);
      Spikes far = new Spikes(DType.I8, 1, 0, () -> 127, () -> -10_128, () -> 1);
      check(session, draw, LinearCase.of(draw, 2, 3, List.of(new Form(columns, bits, WHOLE)), weights, far,
          Placement.ALIGNED), 0);
    }
  }

  static void extremes(Session session) {
    for (int bits = 1; bits <= 8; bits++) {
      for (DType type : new DType[] {DType.I8, DType.I16}) {
        for (int columns : new int[] {1, 17, 255, 1021}) {
          Draw draw = new Draw("extreme spiking linear of " + bits + " bits, " + columns + " columns, " + type);
          check(session, draw, LinearCase.of(draw, 3, 9, List.of(new Form(columns, bits, bits % 2 == 0 ? 32 : WHOLE)),
              Weights.extreme(draw), Spikes.extreme(draw, type), Placement.ALIGNED), 0);
        }
      }
    }
  }

  static void zeroScales(Session session) {
    for (int bits = 1; bits <= 8; bits++) {
      Draw draw = new Draw("spiking linear with zero scales, " + bits + " bits");
      Weights powers = Weights.powers(draw, bits);
      Weights some = new Weights(powers.code(), powers.zero(), DType.F32, () -> draw.chance(0.5) ? 0 : 0.25);
      check(session, draw, LinearCase.of(draw, 4, 17, List.of(new Form(63, bits, 7), new Form(9, bits, WHOLE)), some,
          Spikes.powers(draw, DType.I8, 1, 0), Placement.ALIGNED), 1);
      Spikes extreme = Spikes.extreme(draw, DType.I16);
      Spikes silent = new Spikes(DType.I16, 1, 0, extreme.stored(), extreme.zero(), () -> 0);
      check(session, draw, LinearCase.of(draw, 4, 17, List.of(new Form(63, bits, WHOLE)), Weights.extreme(draw), silent,
          Placement.ALIGNED), 1);
    }
  }

  /** The same product twice onto what is there, so that a kernel that replaces is seen. */
  static void accumulates(Session session) {
    for (int bits = 1; bits <= 8; bits++) {
      Draw draw = new Draw("spiking linear onto what is in out, " + bits + " bits");
      LinearCase linear = LinearCase.of(draw, 5, 17, List.of(new Form(65, bits, WHOLE), new Form(31, bits, 7)),
          Weights.general(draw, bits, DType.F32), Spikes.general(draw, DType.I8, 1, 0), Placement.ALIGNED);
      Tensor out = draw.normal(Placement.ALIGNED.tensor(DType.F32, 5, 17), 1000);
      SpikingLinear prepared = session.prepare(linear.weight());
      LinearOracle oracle = new LinearOracle(linear.weight());
      for (int turn = 0; turn < 2; turn++) {
        float[] before = out.toFloats();
        prepared.accumulate(linear.train(), out);
        oracle.check(linear.train(), before, out, draw + ", call " + turn);
      }
    }
  }

  static void rounding(Session session) {
    for (int bits = 1; bits <= 8; bits++) {
      for (DType scaleType : new DType[] {DType.F32, DType.F16}) {
        for (int group : new int[] {WHOLE, 1, 7, 32, 128}) {
          Draw draw = new Draw("rounding of a spiking linear of " + bits + " bits, groups of " + group + ", scales " + scaleType);
          check(session, draw, LinearCase.of(draw, 3, 17, split(255, bits + group % 5, bits, group),
              Weights.general(draw, bits, scaleType), Spikes.general(draw, DType.I8, 1, bits == 8 ? 128 : 0),
              Placement.ALIGNED), 0);
        }
      }
    }
  }

  static void floats(Session session) {
    int turn = 0;
    for (int bits = 1; bits <= 8; bits++) {
      for (int group : new int[] {WHOLE, 1, 7, 32, 128}) {
        int columns = Draw.RAGGED[turn % Draw.RAGGED.length];
        int rows = Draw.RAGGED[(turn * 5 + 3) % 12];
        List<Form> forms = split(columns, turn, bits, group);
        Draw draw = new Draw("linear of floats, " + rows + " rows, " + forms);
        checkFloats(session, draw, LinearCase.weight(draw, rows, forms,
            Weights.general(draw, bits, turn % 2 == 0 ? DType.F32 : DType.F16), Placement.ALIGNED), 1 + turn % 4);
        turn++;
      }
    }
  }

  /** What a session is told of the inputs, right or wrong: it takes both kinds. */
  private static Encoding hint(QuantizedWeight weight, int tokens) {
    Dynamics counts = EncodeOracle.dynamics(Math.min(tokens, 8), 1).getFirst();
    return tokens % 2 == 0
        ? new Encoding(SoftResetNeuron.WHOLE, weight.order(), Collections.nCopies(weight.classes().size(), counts), true) : null;
  }

  static void checkFloats(Session session, Draw draw, QuantizedWeight weight, int tokens) {
    Tensor x = draw.normal(Placement.ALIGNED.tensor(DType.F32, tokens, weight.columns()), 1);
    Tensor out = draw.normal(Placement.ALIGNED.tensor(DType.F32, tokens, weight.rows()), 1);
    float[] before = out.toFloats();
    session.prepare(weight, hint(weight, tokens)).accumulate(x, out);
    new LinearOracle(weight).check(x, before, out, draw.toString());
  }

  /** Two prepared weights of one shape keep apart. */
  static void prepared(Session session) {
    Draw draw = new Draw("two prepared weights");
    List<Form> forms = List.of(new Form(33, 4, WHOLE), new Form(7, 4, WHOLE));
    LinearCase one = LinearCase.of(draw, 3, 9, forms, Weights.powers(draw, 4), Spikes.powers(draw, DType.I8, 1, 0),
        Placement.ALIGNED);
    LinearCase two = LinearCase.of(draw, 3, 9, forms, Weights.powers(draw, 4), Spikes.powers(draw, DType.I8, 1, 0),
        Placement.ALIGNED);
    SpikingLinear first = session.prepare(one.weight());
    SpikingLinear second = session.prepare(two.weight());
    for (SpikingLinear linear : List.of(first, second)) {
      assertEquals(9, linear.rows(), "rows of a prepared weight [9, 40]");
      assertEquals(40, linear.columns(), "columns of a prepared weight [9, 40]");
    }
    for (int turn = 0; turn < 2; turn++) {
      accumulateAndCheck(draw, one, first);
      accumulateAndCheck(draw, two, second);
    }
  }

  /** Layers of several sizes that share an input, of levels, of trains and of both: the bytes of one after the other. */
  static void together(Session session) {
    Draw draw = new Draw("layers that share an input");
    List<Form> levels = List.of(new Form(65, 4, 32), new Form(62, 8, WHOLE));
    List<Form> trains = List.of(Form.train(100, 32, 1), Form.train(13, 32, 2), Form.train(14, 32, 4));
    List<List<List<Form>>> cases = List.of(List.of(trains, trains, trains, trains), List.of(levels, trains, levels),
        List.of(levels), List.of());
    for (List<List<Form>> forms : cases) {
      for (int tokens : new int[] {1, 3}) {
        List<SpikingLinear> layers = new ArrayList<>();
        List<Tensor> outs = new ArrayList<>();
        Tensor x = draw.normal(Placement.ALIGNED.tensor(DType.F32, tokens, 127), 1);
        for (int i = 0; i < forms.size(); i++) {
          int rows = new int[] {33, 1021, 129, 520}[i];
          layers.add(session.prepare(LinearCase.weight(draw, rows, forms.get(i), Weights.general(draw, 4, DType.F16),
              Placement.ALIGNED)));
          outs.add(draw.normal(Placement.ALIGNED.tensor(DType.F32, tokens, rows), 1));
        }
        List<Tensor> expected = outs.stream().map(out -> copy(out, Arena.ofAuto())).toList();
        session.accumulate(layers, x, outs);
        for (int i = 0; i < outs.size(); i++) {
          layers.get(i).accumulate(x, expected.get(i));
          assertArrayEquals(expected.get(i).toFloats(), outs.get(i).toFloats(), draw + ", " + forms.size() + " layers, " + tokens
              + " tokens: layer " + i);
        }
      }
    }
  }

  /** Weights whose memory is overwritten and given back as soon as they are prepared, where the result says that it may be. */
  static void given(Session session) {
    Draw draw = new Draw("weights that are given back");
    for (List<Form> forms : List.of(List.of(new Form(33, 4, WHOLE), new Form(7, 8, WHOLE)), List.of(Form.train(1, 1, 1), Form.train(1, 1, 2)))) {
      LinearCase linear = LinearCase.of(draw, 3, 9, forms, Weights.powers(draw, 4), Spikes.powers(draw, DType.I8, 1, 0), Placement.ALIGNED);
      Arena arena = Arena.ofShared();
      QuantizedWeight weight = copy(linear.weight(), arena);
      SpikingLinear prepared = session.prepare(weight);
      if (!prepared.keepsWeight()) {
        for (CodeClass codes : weight.classes()) {
          codes.codes().segment().fill((byte) 0x55);
          codes.scales().segment().fill((byte) 0x55);
          codes.zeros().segment().fill((byte) 0x55);
        }
        arena.close();
      }
      accumulateAndCheck(draw, linear, prepared);
      accumulateAndCheck(draw, linear, prepared);
    }
  }

  private static QuantizedWeight copy(QuantizedWeight weight, Arena arena) {
    return new QuantizedWeight(weight.rows(), weight.order(), weight.classes().stream().map(c -> new CodeClass(c.columns(), c.bits(),
        c.timeSteps(), c.groupEnds(), c.layout(), copy(c.codes(), arena), copy(c.scales(), arena), copy(c.zeros(), arena))).toList());
  }

  /** The cases of other rules with the codes in tiles, at any address, where the session says that it reads them. */
  static void tiles(Session session) {
    if (!session.readsTiles()) {
      return;
    }
    int turn = 0;
    for (int bits : new int[] {2, 3, 4, 8}) {
      for (int group : new int[] {WHOLE, 4, 32, 128}) {
        for (Storage storage : STORAGES) {
          int columns = Draw.RAGGED[turn % 14];
          int rows = Draw.RAGGED[(turn * 5 + 3) % 12];
          List<Form> forms = switch (turn % 3) {
            case 0 -> List.of(new Form(columns, bits, group));
            case 1 -> List.of(new Form(columns, bits, group), new Form(0, bits, group), new Form(33, 8, group));
            default -> List.of(new Form(columns, bits, group), new Form(65, 6, group));   // which stay in rows
          };
          Draw draw = new Draw("tiles of " + rows + " rows, " + forms + ", " + storage);
          int tokens = turn % 4 == 0 ? 1 : turn % 4 == 1 ? 30 : turn % 7 + 1;
          tiles(session, draw, LinearCase.of(draw, tokens, rows, forms, Weights.general(draw, bits, turn % 2 == 0 ? DType.F16 : DType.F32),
              Spikes.powers(draw, storage.type, storage.planes, storage.offset), Placement.ALIGNED), turn % 5);
          turn++;
        }
      }
      Draw draw = new Draw("extreme tiles of " + bits + " bits");
      for (DType type : new DType[] {DType.I8, DType.I16}) {
        tiles(session, draw, LinearCase.of(draw, 3, 33, List.of(new Form(1021, bits, 32)), Weights.extreme(draw),
            Spikes.extreme(draw, type), Placement.ALIGNED), 0);
      }
    }
  }

  private static void tiles(Session session, Draw draw, LinearCase linear, int offset) {
    QuantizedWeight rows = linear.weight();
    SpikeTrain train = linear.train();
    Arena arena = Arena.ofShared();
    QuantizedWeight tiles = new QuantizedWeight(rows.rows(), rows.order(), rows.classes().stream()
        .map(c -> at(offset, c.suitsTiles() ? c.inTiles() : c, arena)).toList());
    SpikingLinear prepared = session.prepare(tiles);
    if (!prepared.keepsWeight()) {
      tiles.classes().forEach(codes -> codes.codes().segment().fill((byte) 0x55));
      arena.close();
    }
    Tensor out = draw.normal(Placement.ALIGNED.tensor(DType.F32, train.tokens(), rows.rows()), 1);
    float[] before = out.toFloats();
    prepared.accumulate(train, out);
    new LinearOracle(rows).check(train, before, out, draw.toString());
    Tensor x = draw.normal(Placement.ALIGNED.tensor(DType.F32, train.tokens(), rows.columns()), 1);
    before = out.toFloats();
    prepared.accumulate(x, out);
    new LinearOracle(rows).check(x, before, out, draw + ", of floats");
  }

  /** With its codes in memory of {@code arena}, so many bytes past an address of vectors. */
  private static CodeClass at(int offset, CodeClass codes, Arena arena) {
    Tensor tensor = codes.codes();
    long bytes = tensor.segment().byteSize();
    Tensor copy = new Tensor(tensor.dtype(), tensor.rows(), tensor.columns(), arena.allocate(bytes + offset, 64).asSlice(offset, bytes));
    copy.segment().copyFrom(tensor.segment());
    return new CodeClass(codes.columns(), codes.bits(), codes.timeSteps(), codes.groupEnds(), codes.layout(), copy, codes.scales(),
        codes.zeros());
  }

  private static Tensor copy(Tensor tensor, Arena arena) {
    Tensor copy = Tensor.allocate(arena, tensor.dtype(), tensor.rows(), tensor.columns());
    copy.segment().copyFrom(tensor.segment());
    return copy;
  }

  private static void accumulateAndCheck(Draw draw, LinearCase linear, SpikingLinear prepared) {
    Tensor out = Placement.ALIGNED.tensor(DType.F32, 3, 9);
    prepared.accumulate(linear.train(), out);
    new LinearOracle(linear.weight()).check(linear.train(), new float[27], out, draw.toString());
  }
}
