package org.spikellm.launcher.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.spikellm.launcher.plugin.Plugins;
import org.spikellm.launcher.registry.LeftThreads;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.registry.RegistryException;
import org.spikellm.launcher.workflow.CheckpointNeurons;
import org.spikellm.launcher.workflow.Progress;
import org.spikellm.model.Json;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that every command has, and what follows from them. */
final class CommonOptions implements AutoCloseable {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(names = "--backend", paramLabel = "ID", defaultValue = "auto",
      description = "Where to compute; auto: the fastest that is available. A named one never falls back. Default: ${DEFAULT-VALUE}.")
  String backend;

  @Option(names = "--threads", paramLabel = "N", description = "Threads of the backend. Default: one a processor.")
  private Integer threads;

  @Option(names = "--module-path", paramLabel = "DIR", split = ":", description = "Directory of modular jars with more providers.")
  private List<Path> modulePath = new ArrayList<>();

  @Option(names = "--plugins", paramLabel = "DIR",
      description = "Directory of jars with more providers: modules and OSGi bundles, each with classes of its own.")
  private Path pluginDirectory;

  @Option(names = "--prefer", paramLabel = "JAR",
      description = "Where two providers of one kind have one id, take the one in this jar, given by path or file name.")
  private List<String> preferred = new ArrayList<>();

  @Option(names = "--option", paramLabel = "PROVIDER.KEY=VALUE",
      description = "A provider's own option; 'spikellm providers' lists them.")
  private Map<String, String> options = new LinkedHashMap<>();

  @Option(names = "--json", description = "Print the result as one JSON object on standard output, and nothing else there.")
  boolean json;

  @Option(names = "--quiet", description = "Show no progress.")
  private boolean quiet;

  @Option(names = "--stacktrace", description = "When it fails, also show where.")
  boolean stacktrace;

  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help and exit.")
  private boolean help;

  /** The providers of modules, once they were looked for. */
  private List<Listing> modules;

  /** Those of bundles, or null. */
  private Plugins plugins;

  /** Standard output, whatever the platform's encoding: UTF-8. */
  final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  /** Standard error, likewise. */
  final PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);

  /** All providers, with the options of the command line. */
  Registry registry() throws IOException {
    if (modules == null) {
      modules = Registry.ofModules(modulePath);
      plugins = pluginDirectory == null ? null : Plugins.open(pluginDirectory);
      if (plugins != null && plugins.listings().isEmpty()) {
        warn("--plugins " + pluginDirectory + ": no jar in it has providers");
      }
    }
    return registry(plugins == null ? List.of() : plugins.listings());
  }

  /** The plug-ins, which change while the program runs, or null; after {@link #registry()}. */
  Plugins plugins() {
    return plugins;
  }

  /** All providers, those of bundles as {@code bundles} lists them. */
  Registry registry(List<Listing> bundles) throws RegistryException {
    return new Registry(Stream.concat(modules.stream(), bundles.stream()).toList(), preferred, options);
  }

  /** Lets go of the plug-ins, and names those that left threads behind. */
  @Override
  public void close() {
    if (modules == null || modulePath.isEmpty() && plugins == null) {
      return;
    }
    List<Listing> used = new ArrayList<>(modules);
    if (plugins != null) {
      used.addAll(plugins.listings());
      plugins.close();
    }
    LeftThreads.of(used).forEach(this::warn);
  }

  /** How many threads the backend gets. */
  int threads() {
    if (threads != null && (threads < 1 || threads > 1024)) {
      throw new ParameterException(spec.commandLine(), "--threads: expected 1 to 1024, found " + threads);
    }
    return threads == null ? Runtime.getRuntime().availableProcessors() : threads;
  }

  /** The options that name where further providers lie, as they were given, for a command to try next. */
  String providerDirectories() {
    return (modulePath.isEmpty() ? "" : " --module-path " + modulePath.stream().map(Shell::quoted).collect(Collectors.joining(":")))
        + (pluginDirectory == null ? "" : " --plugins " + Shell.quoted(pluginDirectory));
  }

  /** Shows progress on standard error. */
  Progress progress() {
    return quiet ? Progress.NONE : new TerminalProgress(err, isTerminal());
  }

  private static boolean isTerminal() {
    return System.console() != null && System.console().isTerminal() && System.getenv("TERM") != null
        && !"dumb".equals(System.getenv("TERM"));
  }

  /** Prints the result where {@code --json} was given. */
  void printJson(Map<String, ?> result) {
    out.println(Json.write(result));
  }

  /** Prints the result where {@code --csv} was given: rows as {@code --json} would print them. */
  void printCsv(List<? extends Map<String, ?>> rows) {
    out.print(Csv.of(rows));
    out.flush();
  }

  /** Refuses {@code --csv} beside {@code --json}. */
  void onlyOne(boolean csv) {
    if (csv && json) {
      throw wrong("expected --json or --csv, found both");
    }
  }

  /** Refuses {@code --option} where {@code instead} is the place of providers' options. */
  void noOptions(String instead) {
    if (!options.isEmpty()) {
      throw wrong("--option: expected the options in " + instead + ", found " + options);
    }
  }

  /** A warning that progress showed already, unless nobody was to see progress. */
  void warnIfQuiet(String line) {
    if (quiet) {
      warn(line);
    }
  }

  /** What the user should know even where nobody is to see progress. */
  void warn(String line) {
    err.println("warning: " + line);
  }

  /** What there is to say of a checkpoint's neurons. */
  void tell(CheckpointNeurons neurons) {
    neurons.warnings().forEach(this::warn);
    neurons.notes().forEach(this::note);
  }

  /** A line beside the result, on standard error; not with {@code --quiet}. */
  void note(String line) {
    if (!quiet) {
      err.println(line);
    }
  }

  /** Asks for input where someone is there to give it. */
  void prompt(String text) {
    if (isTerminal()) {
      err.print(text);
      err.flush();
    }
  }

  /** A wrong call: exit status 2. */
  ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
