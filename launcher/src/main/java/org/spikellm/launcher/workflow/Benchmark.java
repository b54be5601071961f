package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DeviceLimits;
import org.spikellm.api.NeuronModel;
import org.spikellm.model.Checkpoint;

/**
 * Measures how fast models run on backends, with what their devices can do measured beside it. All that is in memory at the same
 * time takes turns, run by run, so that a machine whose speed changes does not favour one of them.
 *
 * @param settings how much to run
 * @param progress is told of it
 */
public record Benchmark(Settings settings, Progress progress) {

  /**
   * How much to run.
   *
   * @param threads of each backend
   * @param promptTokens from an empty cache
   * @param generateTokens after the prompt, one by one
   * @param repeat runs that count
   * @param seed of weights and tokens
   * @param warmUpSeconds how long a model runs before it counts, over at least one whole run: the JIT compiler needs its time
   */
  public record Settings(int threads, int promptTokens, int generateTokens, int repeat, long seed, double warmUpSeconds) {}

  /**
   * Measures {@code blocks} blocks of a shape with random weights. Formats that do not fit in memory together are measured one
   * after another.
   *
   * @param headBits bits of the head: 8, or 16 for F16
   * @throws IOException if a format does not even fit alone
   */
  public List<BenchResult> shape(ShapeModel model, int blocks, int headBits, List<BenchFormat> formats, List<ComputeBackend> backends,
      NeuronModel neuron) throws IOException {
    List<List<BenchFormat>> groups = groups(model, blocks, formats, backends, MachineMemory.available());
    List<BenchResult> results = new ArrayList<>();
    try (BenchDevices devices = new BenchDevices(settings.threads())) {
      for (List<BenchFormat> group : groups) {
        List<OpenBackend> open = OpenBackend.open(backends, settings.threads());
        try (ShapeLoader loader = new ShapeLoader(model, blocks, headBits, neuron, settings.seed(), progress)) {
          List<BenchSubject> subjects = new ArrayList<>();
          for (BenchFormat format : group) {
            subjects.addAll(loader.load(format, open));
          }
          results.addAll(measure(subjects, model.name(), true, devices));
        } finally {
          OpenBackend.close(open);
        }
      }
    }
    return results;
  }

  /** All formats together if they fit, else each on its own. */
  List<List<BenchFormat>> groups(ShapeModel model, int blocks, List<BenchFormat> formats, List<ComputeBackend> backends,
      OptionalLong available) throws IOException {
    if (available.isEmpty() || plan(model, formats, backends).total(blocks) <= available.getAsLong()) {
      return List.of(formats);
    }
    String on = backends.stream().map(ComputeBackend::id).collect(Collectors.joining(", ", " on ", ""));
    for (BenchFormat format : formats) {
      plan(model, List.of(format), backends).check(model, blocks, format + on, available);
    }
    progress.say("too little memory for " + formats.size() + " formats at once: measured one after another");
    return formats.stream().map(List::of).toList();
  }

  private MemoryPlan plan(ShapeModel model, List<BenchFormat> formats, List<ComputeBackend> backends) {
    int positions = settings.promptTokens() + settings.generateTokens();
    return MemoryPlan.of(model, formats, backends.size(), settings.threads(), positions);
  }

  /**
   * Measures the model of a checkpoint, which stays open.
   *
   * @param openSeconds what opening it took, which is part of loading it
   */
  public List<BenchResult> model(Checkpoint checkpoint, double openSeconds, List<ComputeBackend> backends) throws IOException {
    List<OpenBackend> open = OpenBackend.open(backends, settings.threads());
    try (BenchDevices devices = new BenchDevices(settings.threads())) {
      List<BenchSubject> subjects = new ArrayList<>();
      for (OpenBackend backend : open) {
        subjects.add(CheckpointSubject.load(checkpoint, openSeconds, backend, progress));
      }
      return measure(subjects, checkpoint.directory().toString(), false, devices);
    } finally {
      OpenBackend.close(open);
    }
  }

  /** What was measured of one subject: an entry a run. */
  private record Runs(List<BenchSubject.Times> times, List<BenchSubject.Times> whole, List<DeviceLimits> limits) {
    Runs() {
      this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    }
  }

  private List<BenchResult> measure(List<BenchSubject> subjects, String model, boolean shape, BenchDevices devices) {
    SplittableRandom random = new SplittableRandom(settings.seed());
    int vocabulary = subjects.getFirst().vocabulary();
    int[] prompt = random.ints(settings.promptTokens(), 0, vocabulary).toArray();
    int[] next = random.ints(settings.generateTokens(), 0, vocabulary).toArray();
    subjects.stream().map(BenchSubject::backend).distinct().forEach(devices::sample); // the first takes longer
    warmUp(subjects, prompt, next);
    List<Runs> runs = subjects.stream().map(s -> new Runs()).toList();
    progress.begin("measuring", (long) settings.repeat() * subjects.size(), "runs");
    for (int run = 0; run < settings.repeat(); run++) {
      devices.nextRound();
      for (int s = 0; s < subjects.size(); s++) {
        runs.get(s).limits().add(devices.sample(subjects.get(s).backend()));
        BenchSubject.Times times = subjects.get(s).run(prompt, next);
        runs.get(s).times().add(times);
        runs.get(s).whole().add(subjects.get(s).whole(times, prompt, next));
        progress.at((long) run * subjects.size() + s + 1);
      }
    }
    progress.end();
    OptionalLong resident = MachineMemory.resident();
    List<BenchResult> results = new ArrayList<>();
    for (int s = 0; s < subjects.size(); s++) {
      BenchLimits limits = BenchLimits.of(devices.isOwn(subjects.get(s).backend()), runs.get(s).limits());
      results.add(result(subjects.get(s), runs.get(s), limits, model, shape, resident));
    }
    return results;
  }

  private void warmUp(List<BenchSubject> subjects, int[] prompt, int[] next) {
    progress.begin("warming up", subjects.size(), "models");
    for (int s = 0; s < subjects.size(); s++) {
      long began = System.nanoTime();
      do {
        subjects.get(s).whole(subjects.get(s).run(prompt, next), prompt, next);
      } while (System.nanoTime() - began < settings.warmUpSeconds() * 1e9);
      progress.at(s + 1);
    }
    progress.end();
  }

  private BenchResult result(BenchSubject subject, Runs runs, BenchLimits limits, String model, boolean shape,
      OptionalLong resident) {
    int promptTokens = settings.promptTokens();
    int generateTokens = settings.generateTokens();
    TokenWork work = subject.work();
    Series promptRate = Series.of(runs.times().stream().map(t -> promptTokens / t.prompt()).toList());
    Series generateRate = Series.of(runs.times().stream().map(t -> generateTokens / t.generate()).toList());
    BenchResult.Phase prompt = new BenchResult.Phase(promptTokens, promptRate,
        Series.of(runs.whole().stream().map(t -> promptTokens / t.prompt()).toList()),
        work.promptFlops(promptTokens) / promptTokens * promptRate.median(), limits.ofPrompt(work.integers()));
    BenchResult.Phase generate = new BenchResult.Phase(generateTokens, generateRate,
        Series.of(runs.whole().stream().map(t -> generateTokens / t.generate()).toList()),
        work.decodeBytes(promptTokens, generateTokens) / generateTokens * generateRate.median(), BenchLimits.Rate.READ_BYTES);
    return new BenchResult(subject.backend().id(), subject.backend().device(), settings.threads(), model, shape, settings.seed(),
        subject.format(), work.blocks(), subject.wholeBlocks(), work.weightBytes(), work.bitsAWeight(), subject.loadSeconds(),
        prompt, generate, limits, resident);
  }
}
