package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.report.ReportFile;
import org.spikellm.launcher.tasks.SamplesFile;
import org.spikellm.launcher.tasks.Task;
import org.spikellm.launcher.tasks.TaskScores;
import org.spikellm.launcher.tasks.TaskSelection;
import org.spikellm.launcher.workflow.CheckpointNeurons;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.EnergyTable;
import org.spikellm.launcher.workflow.Evaluation;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.SpikeMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures models. */
@Command(name = "evaluate", description = {"Measure models side by side: perplexity on texts, accuracy on tasks.", "",
    "Tasks are scored by the log-likelihoods of their answers, in the prompts of lm-evaluation-harness: piqa, arc_easy, "
        + "arc_challenge, boolq, hellaswag, winogrande, openbookqa, lambada."})
final class EvaluateCommand implements Callable<Integer> {

  @Mixin
  private CommonOptions common;

  @Parameters(arity = "1..*", paramLabel = "MODEL", description = "Directories of float or quantized checkpoints.")
  private List<Path> models;

  @Option(names = "--text", paramLabel = "FILE", arity = "1..*", description = "Texts to measure perplexity on.")
  private List<Path> texts = List.of();

  @Option(names = "--tasks", paramLabel = "[TASK=]FILE|DIR", arity = "1..*",
      description = "Files of items as JSON lines, parted by blanks or commas, or directories of such files. TASK= where fields "
          + "and file name do not tell which it is.")
  private List<String> tasks = List.of();

  @Option(names = "--sequence", paramLabel = "N", defaultValue = "2048",
      description = "Tokens a window of a text; at most the models' limit. Default: ${DEFAULT-VALUE}.")
  private int sequence;

  @Option(names = "--limit", paramLabel = "N", description = "Most windows of each text and items of each task. Default: all.")
  private Integer limit;

  @Option(names = "--shots", paramLabel = "N", defaultValue = "0",
      description = "Solved items before each item of a task. Default: ${DEFAULT-VALUE}.")
  private int shots;

  @Option(names = "--shots-from", paramLabel = "[TASK=]FILE|DIR", arity = "1..*",
      description = "Where the items of --shots are drawn from. Default: the task's own file.")
  private List<String> shotsFrom = List.of();

  @Option(names = "--seed", paramLabel = "N", defaultValue = "2",
      description = "Draws the items of --shots. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--samples", paramLabel = "FILE", description = "Write every item's log-likelihoods there, as JSON lines.")
  private Path samples;

  @Option(names = "--csv", description = "Print the figures as CSV.")
  private boolean csv;

  @Mixin
  private ReportOptions reporting;

  @Override
  public Integer call() throws IOException {
    checkCall();
    EnergyTable energy = reporting.energy();
    ReportFile page = reporting.file(common, models);
    int most = limit == null ? Integer.MAX_VALUE : limit;
    List<Task> chosen = TaskSelection.read(selected("--tasks", tasks), most, shots, selected("--shots-from", shotsFrom), seed);
    Registry registry = common.registry();
    int context = leastLimit(registry);
    try (SamplesFile file = samples == null ? null : SamplesFile.begin(samples)) {
      List<Evaluated> results = new ArrayList<>();
      Map<String, Cost> costs = new LinkedHashMap<>();
      Map<String, int[]> firstTokens = new LinkedHashMap<>();
      for (Path model : models.stream().distinct().toList()) {
        try (LoadedModel loaded = LoadedModel.open(model, registry, common.backend, common.threads(), SpikeMode.COLLAPSED)) {
          common.tell(loaded.neurons());
          Map<String, int[]> tokens = Evaluation.tokens(loaded, texts);
          warnOfOtherTokens(model, tokens, firstTokens);
          if (page != null) {
            Cost cost = new Cost(loaded.checkpoint());
            costs.put(model.toString(), cost);
            loaded.decoder().observe(cost::block);
          }
          results.add(new Evaluated(model.toString(),
              Evaluation.perplexity(loaded, tokens, Math.min(sequence, context), most, common.progress()),
              scores(loaded, model, chosen, context, file)));
        }
      }
      if (file != null) {
        file.finish();
      }
      print(results);
      if (page != null) {
        page.write(new EvaluationPage(results, costs, energy)
            .measures(reporting.rasters(common, registry, models.stream().distinct().toList())).page());
        common.note("Report: " + page);
      }
      return 0;
    }
  }

  private List<TaskScores> scores(LoadedModel loaded, Path model, List<Task> chosen, int context, SamplesFile file)
      throws IOException {
    List<TaskScores> all = new ArrayList<>();
    for (Task task : chosen) {
      TaskScores scores = TaskScores.measure(loaded, task, context, common.progress());
      if (file != null) {
        file.add(model.toString(), scores);
      }
      all.add(scores);
      common.note(EvaluationTable.line(model, scores));
    }
    return all;
  }

  private void checkCall() {
    if (texts.isEmpty() && tasks.isEmpty()) {
      throw common.wrong("expected --text FILE or --tasks FILE, found neither");
    }
    if (sequence < 2) {
      throw common.wrong("--sequence: expected 2 or more, found " + sequence);
    }
    if (limit != null && limit < 1) {
      throw common.wrong("--limit: expected 1 or more, found " + limit);
    }
    if (shots < 0) {
      throw common.wrong("--shots: expected 0 or more, found " + shots);
    }
    if (shots > 0 && tasks.isEmpty()) {
      throw common.wrong("--shots: expected --tasks FILE with it, found none");
    }
    if (shots == 0 && !shotsFrom.isEmpty()) {
      throw common.wrong("--shots-from: expected --shots N with it, found none");
    }
    if (samples != null && tasks.isEmpty()) {
      throw common.wrong("--samples: expected --tasks with it, found none");
    }
    common.onlyOne(csv);
    common.threads();
  }

  private List<TaskSelection> selected(String option, List<String> arguments) throws IOException {
    try {
      return TaskSelection.parse(arguments);
    } catch (IllegalArgumentException e) {
      throw common.wrong(option + ": " + e.getMessage());
    }
  }

  /** The least of the models' limits, which all are held to; that none of them is broken is found out on the way. */
  private int leastLimit(Registry registry) throws IOException {
    int least = Integer.MAX_VALUE;
    for (Path model : models) {
      try (Checkpoint checkpoint = Checkpoint.open(model, new CheckpointNeurons(registry, model))) {
        least = Math.min(least, checkpoint.config().contextLength());
      }
    }
    return least;
  }

  /** @param first those of the first model, which are put there if this is it */
  private void warnOfOtherTokens(Path model, Map<String, int[]> tokens, Map<String, int[]> first) {
    tokens.forEach((text, ids) -> {
      int[] other = first.putIfAbsent(text, ids);
      if (other != null && !Arrays.equals(ids, other)) {
        common.warn(model + " reads " + text + " in other tokens than the first model: perplexities by token cannot be compared");
      }
    });
  }

  private void print(List<Evaluated> results) {
    Evaluated first = results.getFirst();
    if (common.json) {
      Map<String, Object> all = new LinkedHashMap<>();
      results.forEach(result -> all.put(result.model(), result.json(first)));
      common.printJson(all.size() == 1 ? first.json(first) : Map.of("models", all));
      return;
    }
    if (csv) {
      common.printCsv(results.stream().flatMap(result -> result.figures(first).stream()).map(Evaluated.Figure::json).toList());
      return;
    }
    EvaluationTable.of(results).print(common.out);
    EvaluationTable.notes(results).forEach(common.out::println);
  }
}
