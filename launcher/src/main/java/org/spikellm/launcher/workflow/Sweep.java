package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;
import org.spikellm.launcher.registry.ApiVersion;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.text.Tokenizer;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;
import org.spikellm.model.LinearObserver;
import org.spikellm.model.OutputPlace;
import org.spikellm.model.Perplexity;
import org.spikellm.model.SpikeMode;

/** Makes and measures every point of a grid; what is measured is kept, so that a run that was stopped goes on. */
public final class Sweep {

  private static final String SETTINGS = "sweep.json";
  private static final String POINTS = "points";
  private static final String MODELS = "models";
  private static final String FLOAT = "float";
  /** Bytes that points share at most. */
  private static final long SHARED_BYTES = 1L << 30;

  private final SweepFile file;
  private final Path out;
  private final Registry registry;
  private final EnergyTable energy;
  private final String backend;
  private final int threads;
  private final boolean keep;
  private final Progress progress;
  private final SharedCalibration shared = new SharedCalibration(SHARED_BYTES);

  /**
   * A sweep.
   *
   * @param out directory of its results
   * @param registry with the file's options
   * @param keep whether the models stay, under {@code models}
   */
  public Sweep(SweepFile file, Path out, Registry registry, EnergyTable energy, String backend, int threads, boolean keep,
      Progress progress) {
    this.file = file;
    this.out = out;
    this.registry = registry;
    this.energy = energy;
    this.backend = backend;
    this.threads = threads;
    this.keep = keep;
    this.progress = progress;
  }

  /**
   * A line of the table.
   *
   * @param name of the point, or {@code float} for the source
   * @param point null for the source
   * @param result what was measured
   */
  public record Row(String name, SweepPoint point, SweepResult result) {

    /** For files and programs. */
    public Map<String, Object> json() {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("name", name);
      SweepPoint.AXES.forEach(axis -> map.put(axis, null));
      if (point != null) {
        map.putAll(point.json());
      }
      map.putAll(result.json());
      return map;
    }
  }

  /**
   * Refuses what cannot be made or has no place, before any work is done.
   *
   * @throws IOException if a provider is not there, cannot make a point, or {@code out} holds something else
   */
  public void check() throws IOException {
    for (SweepPoint point : file.points()) {
      NeuronModel neuron = registry.find(NeuronModel.class, point.neuron());
      registry.find(SalienceDetector.class, point.detector());
      QuantizationPipeline pipeline = registry.find(QuantizationPipeline.class, point.pipeline());
      QuantizationSpec spec = point.spec();
      try {
        if (spec.encodesActivations()) {
          neuron.dynamics(spec.activationBits(), spec.timeSteps());
        }
        pipeline.check(spec, neuron);
      } catch (IllegalArgumentException e) {
        throw new CheckpointException("point " + point.name() + ": " + e.getMessage(), e);
      }
    }
    try (Checkpoint source = Checkpoint.open(file.model(), new CheckpointNeurons(registry, file.model()))) {
      if (source.config().packed()) {
        throw new CheckpointException(file.model() + ": is quantized already; sweep over the float checkpoint that it was "
            + "made from");
      }
      settle(source);
    }
  }

  /** Leaves in {@code out} what this sweep is of, or finds the same there. */
  private void settle(Checkpoint source) throws IOException {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("program", ApiVersion.program());
    settings.put("backend", registry.backend(backend).id());
    settings.put("plugins", plugins());
    settings.put("source_sha256", SourceHash.of(source));
    String text = TextFile.read(file.text());
    settings.put("text_sha256", SourceHash.of(text.getBytes(StandardCharsets.UTF_8)));
    try (Tokenizer tokenizer = LoadedModel.tokenizer(source)) {
      settings.put("tokens_sha256", SourceHash.of(List.of(tokenizer.encode(text, tokenizer.addsBos()))));
    }
    settings.put("calibration_sha256", SourceHash.of(TextFile.read(file.calibration()).getBytes(StandardCharsets.UTF_8)));
    settings.put("sequence", file.sequence());
    settings.put("limit", file.limit());
    settings.put("samples", file.samples());
    settings.put("calibration_sequence", file.calibrationSequence());
    settings.put("seed", file.points().getFirst().spec().seed());
    settings.put("options", new TreeMap<>(file.options()));
    settings.put("energy_table", energy.name() + ": " + energy.prices());
    Path known = out.resolve(SETTINGS);
    if (Files.exists(known)) {
      Map<String, Object> before = Json.readObject(known);
      addPlugins(settings, before);
      for (Map.Entry<String, Object> setting : settings.entrySet()) {
        String now = Json.write(setting.getValue());
        String then = Json.write(before.get(setting.getKey()));
        if (!Objects.equals(now, then)) {
          throw new CheckpointException(out + ": holds a sweep with " + setting.getKey() + " " + then + ", found " + now
              + "; choose another OUT, or remove this one");
        }
      }
    } else if (Files.exists(out) && !isEmpty(out)) {
      throw new CheckpointException(out + ": expected a new directory or one that an earlier run of this sweep left, found "
          + "something else");
    } else {
      try {
        Files.createDirectories(out);
        write(known, settings);
      } catch (IOException e) {
        throw new CheckpointException(out + ": cannot be written: " + OutputPlace.reason(e) + "; choose another place", e);
      }
    }
    Files.createDirectories(out.resolve(POINTS));
    Files.createDirectories(out.resolve(MODELS));
  }

  /** The jars of plug-ins that compute something, by kind and id. */
  private Map<String, Object> plugins() throws IOException {
    Map<String, Object> jars = new TreeMap<>();
    put(jars, "backend", ComputeBackend.class, registry.backend(backend).id());
    for (SweepPoint point : file.points()) {
      put(jars, "neuron", NeuronModel.class, point.neuron());
      put(jars, "salience", SalienceDetector.class, point.detector());
      put(jars, "pipeline", QuantizationPipeline.class, point.pipeline());
    }
    return jars;
  }

  private void put(Map<String, Object> jars, String kind, Class<? extends Provider> type, String id) throws IOException {
    Map<String, Object> jar = CheckpointNeurons.jar(registry.origin(type, id));
    if (jar != null) {
      jars.put(kind + " " + id, jar);
    }
  }

  /** Points may have come and gone: of plug-ins that the sweep had before, those of today's points must be the same, and new ones are kept. */
  private void addPlugins(Map<String, Object> settings, Map<String, Object> before) throws IOException {
    if (!(before.get("plugins") instanceof Map<?, ?> known) || !(settings.get("plugins") instanceof Map<?, ?> now)) {
      return;
    }
    Map<String, Object> all = new TreeMap<>();
    now.forEach((provider, jar) -> all.put(String.valueOf(provider), jar));
    known.forEach((provider, jar) -> all.putIfAbsent(String.valueOf(provider), jar));
    settings.put("plugins", all);
    if (!known.keySet().containsAll(all.keySet())) {
      Map<String, Object> more = new TreeMap<>(all);
      known.forEach((provider, jar) -> more.put(String.valueOf(provider), jar));
      before.put("plugins", more);
      write(out.resolve(SETTINGS), before);
    }
  }

  private static boolean isEmpty(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> list = Files.list(path)) {
      return list.findAny().isEmpty();
    }
  }

  /** Runs what is not done; the source comes first, then the points in the order of the file. After {@link #check}. */
  public List<Row> run() throws IOException {
    List<Row> rows = new ArrayList<>();
    rows.add(new Row(FLOAT, null, once(FLOAT, () -> measure(file.model(), 0))));
    int number = 0;
    for (SweepPoint point : file.points()) {
      number++;
      SweepPoint same = point.equivalent(file.points().getFirst().detector());
      boolean before = Files.exists(result(same.name()));
      SweepResult result = once(same.name(), () -> make(same));
      rows.add(new Row(point.name(), point, result));
      progress.say(String.format(Locale.ROOT, "Point %d of %d, %s: perplexity %.4f, %.3g µJ a token%s", number,
          file.points().size(), point.name(), result.perplexity(), 1e6 * result.joules(), before ? ", measured before" : ""));
    }
    if (!keep && isEmpty(out.resolve(MODELS))) {
      Files.delete(out.resolve(MODELS));
    }
    return rows;
  }

  private interface Work {
    SweepResult run() throws IOException;
  }

  private Path result(String name) {
    return out.resolve(POINTS).resolve(name + ".json");
  }

  private SweepResult once(String name, Work work) throws IOException {
    Path path = result(name);
    if (Files.exists(path)) {
      return SweepResult.of(Json.readObject(path), path.toString());
    }
    SweepResult result = work.run();
    write(path, result.json());
    return result;
  }

  private SweepResult make(SweepPoint point) throws IOException {
    Path model = out.resolve(MODELS).resolve(point.name());
    long began = System.nanoTime();
    if (!Files.exists(model)) {
      QuantizeOptions options = new QuantizeOptions(point.pipeline(), point.neuron(), point.detector(), point.spec(),
          QuantizationSpec.FLOAT_BITS,
          file.calibration(), file.samples(), file.calibrationSequence(), SHARED_BYTES, true);
      new Quantization(registry, options, progress, shared).run(file.model(), model, backend, threads);
    }
    SweepResult result = measure(model, (System.nanoTime() - began) / 1e9);
    if (!keep) {
      delete(model);
    }
    return result;
  }

  private SweepResult measure(Path directory, double quantizeSeconds) throws IOException {
    long began = System.nanoTime();
    try (LoadedModel model = LoadedModel.open(directory, registry, backend, threads, SpikeMode.COLLAPSED)) {
      Checkpoint checkpoint = model.checkpoint();
      Cost cost = new Cost(checkpoint);
      model.decoder().observe(cost::block);
      Map<String, int[]> tokens = Evaluation.tokens(model, List.of(file.text()));
      Perplexity perplexity = Evaluation.perplexity(model, tokens, file.sequence(), file.limit(), progress).values().iterator()
          .next();
      model.decoder().observe(block -> LinearObserver.NONE);
      LayerCost total = cost.total();
      double all = cost.tokens();
      return new SweepResult(perplexity.value(), 8.0 * checkpoint.blockBytes() / checkpoint.config().blockWeights(),
          checkpoint.tensorBytes(),
          total.spikes() / all, total.accumulates() / all, total.firingRate(), total.equalSteps(), total.joules(energy) / all,
              quantizeSeconds,
          (System.nanoTime() - began) / 1e9);
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static void write(Path path, Map<String, Object> json) throws IOException {
    Path partial = path.resolveSibling(path.getFileName() + ".partial");
    Files.writeString(partial, Json.writePretty(json));
    Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE);
  }
}
