package org.spikellm.launcher.tasks;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.launcher.tasks.ItemScore.OptionScore;
import org.spikellm.launcher.workflow.OutputFile;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;
import org.spikellm.model.OutputPlace;

/** The score of every item, as JSON lines: whole once it has its name, so that one that was cut short is not taken for it. */
public final class SamplesFile implements AutoCloseable {

  private static final String START = "{\"model\":";

  private final Path file;
  private final Path target;
  private final Path partial;
  private final BufferedWriter out;

  private SamplesFile(Path file, Path target, Path partial, BufferedWriter out) {
    this.file = file;
    this.target = target;
    this.partial = partial;
    this.out = out;
  }

  /**
   * Begins one.
   *
   * @param file an earlier one there is replaced
   * @throws IOException if it is something else, or cannot be written
   */
  public static SamplesFile begin(Path file) throws IOException {
    Path target = OutputFile.place(file);
    if (Files.exists(file) && !(Files.isRegularFile(file) && isOne(file))) {
      throw new CheckpointException(file + ": exists and is not a file of samples; remove it or choose another name");
    }
    Path directory = target.getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      throw new CheckpointException(file + ": expected a directory to write the samples to, found none at " + directory);
    }
    Path partial = directory.resolve("." + target.getFileName() + ".partial");
    try {
      partial.toFile().deleteOnExit();   // where it is interrupted
      return new SamplesFile(file, target, partial, Files.newBufferedWriter(partial));
    } catch (IOException e) {
      throw refused(file, e);
    }
  }

  private static boolean isOne(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] start = in.readNBytes(START.length());
      return start.length == 0 || new String(start, StandardCharsets.ISO_8859_1).equals(START);
    }
  }

  private static CheckpointException refused(Path file, IOException e) {
    return new CheckpointException(file + ": the samples cannot be written: " + OutputPlace.reason(e) + "; choose another place", e);
  }

  /** Adds a model's scores of a task. */
  public void add(String model, TaskScores scores) throws IOException {
    try {
      for (ItemScore score : scores.items()) {
        out.write(Json.write(json(model, scores.task(), score)) + "\n");
      }
    } catch (IOException e) {
      throw refused(file, e);
    }
  }

  private static Map<String, Object> json(String model, Task task, ItemScore score) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", model);
    json.put("task", task.name());
    json.put("line", score.item().line());
    json.put("gold", score.item().gold());
    json.put("correct", score.isCorrect());
    json.put("correct_norm", score.item().isCompletion() ? null : score.isCorrectNorm());
    List<Map<String, Object>> options = new ArrayList<>();
    for (int i = 0; i < score.options().size(); i++) {
      options.add(json(task.context(score.item(), score.item().options().get(i)), score.item().options().get(i).continuation(),
          score.options().get(i)));
    }
    json.put("options", options);
    return json;
  }

  private static Map<String, Object> json(String context, String continuation, OptionScore score) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("context", context);
    json.put("continuation", continuation);
    json.put("log_likelihood", score.logLikelihood());
    json.put("greedy", score.greedy());
    json.put("tokens", score.tokens());
    json.put("bytes", score.bytes());
    json.put("truncated", score.truncated());
    json.put("straddles", score.straddles());
    return json;
  }

  /** Gives the file its name: all is in it. */
  public void finish() throws IOException {
    try {
      out.close();
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw refused(file, e);
    }
  }

  /** Leaves nothing behind that is not finished. */
  @Override
  public void close() throws IOException {
    try {
      out.close();
    } finally {
      Files.deleteIfExists(partial);
    }
  }
}
