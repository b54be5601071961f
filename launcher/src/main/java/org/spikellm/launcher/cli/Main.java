package org.spikellm.launcher.cli;

import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.spikellm.launcher.registry.ApiVersion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;

/** The program {@code spikellm}. Its help tells the exit statuses. */
@Command(name = "spikellm", description = "Turns LLaMA-class language models into spiking models and runs them.",
    versionProvider = Main.Version.class, subcommands = {DemoCommand.class, QuantizeCommand.class, GenerateCommand.class, ChatCommand.class,
        EvaluateCommand.class, CostCommand.class, SweepCommand.class, InspectCommand.class, BenchCommand.class,
        ProvidersCommand.class},
    footer = {"", "Exit status: 0 done; 1 it could not be done; 2 the call was wrong; 130 interrupted; 141 nobody reads the output."})
public final class Main implements Runnable {

  /** What hooks get to do their work. */
  private static final Duration EXIT = Duration.ofSeconds(10);
  /** A line of help. */
  private static final int LEAST_COLUMNS = 60;
  private static final int MOST_COLUMNS = 140;

  @Option(names = {"-V", "--version"}, versionHelp = true, description = "Show the version and exit.")
  private boolean version;

  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help and exit.")
  private boolean help;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec;

  /** Runs the program and ends the JVM with its exit status. */
  public static void main(String[] args) {
    System.setProperty("java.util.logging.SimpleFormatter.format", "spikellm: %4$s: %5$s%n");  // level, message
    Thread interruption = new Thread(() -> System.err.println("\nspikellm: interrupted"
        + (args.length == 0 ? "" : switch (args[0]) {
          case "quantize" -> "; finished blocks are kept, and the same command goes on after them";
          case "sweep" -> "; finished points are kept, and the same command goes on after them";
          default -> "";
        })));
    Runtime.getRuntime().addShutdownHook(interruption);
    System.setOut(StandardOutput.open());
    int status = run(args);
    Runtime.getRuntime().removeShutdownHook(interruption);
    haltAfterExit(status);
    System.exit(status);
  }

  /** Ends the JVM where a hook of a plug-in or of a library does not come back. */
  private static void haltAfterExit(int status) {
    Thread.ofPlatform().daemon().name("spikellm: end").start(() -> {
      try {
        Thread.sleep(EXIT);
        Runtime.getRuntime().halt(status);
      } catch (InterruptedException e) {
        return; // nobody does that
      }
    });
  }

  /** Runs the program. */
  static int run(String... args) {
    CommandLine program = new CommandLine(new Main());
    program.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    program.setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    program.setCaseInsensitiveEnumValuesAllowed(true).setAbbreviatedOptionsAllowed(false);
    program.setExpandAtFiles(false);   // a prompt may begin so
    program.setUsageHelpWidth(Math.clamp(Terminal.columns(), LEAST_COLUMNS, MOST_COLUMNS)).setUsageHelpLongOptionsMaxWidth(32);
    program.registerConverter(Path.class, Main::path);
    program.setParameterExceptionHandler(Failure::wrongCall);
    program.setExecutionExceptionHandler(Failure::report);
    program.setExecutionStrategy(Main::runAndClose);
    try {
      int status = program.execute(args);
      if (status == 0) {
        System.out.flush();
      }
      return status;
    } catch (Error | UncheckedIOException e) {
      return Failure.report(e, program.getErr(), List.of(args).contains("--stacktrace"));
    }
  }

  private static Path path(String text) {
    if (text.isEmpty()) {
      throw new TypeConversionException("expected a path, found nothing");
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new TypeConversionException("'" + text + "' is no path here: " + e.getReason()
          + "; where characters are missing, LC_ALL=C.UTF-8 lets Java have them");
    }
  }

  private static int runAndClose(ParseResult parsed) {
    try {
      return new CommandLine.RunLast().execute(parsed);
    } catch (StandardOutput.Failure e) {
      return Failure.report(e, parsed.commandSpec().commandLine().getErr(), false);   // help, of which picocli would show a stack trace
    } finally {
      for (CommandLine command : parsed.asCommandLineList()) {
        command.getCommandSpec().mixins().values().stream().map(mixin -> mixin.userObject())
            .filter(CommonOptions.class::isInstance)
            .forEach(options -> ((CommonOptions) options).close());
      }
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected a command, found none");
  }

  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"spikellm " + ApiVersion.program(), "Java " + Runtime.version()};
    }
  }
}
