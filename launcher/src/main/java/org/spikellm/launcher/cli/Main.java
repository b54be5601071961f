package org.spikellm.launcher.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The program {@code spikellm}. Exit status: 0 done, 1 could not be done, 2 wrong call, 130 interrupted. */
@Command(name = "spikellm", description = "Turns LLaMA-class language models into spiking models and runs them.",
    versionProvider = Main.Version.class, subcommands = {DemoCommand.class, QuantizeCommand.class, GenerateCommand.class, ChatCommand.class,
        EvaluateCommand.class, InspectCommand.class, BenchCommand.class, ProvidersCommand.class})
public final class Main implements Runnable {

  @Option(names = {"-V", "--version"}, versionHelp = true, description = "Show the version and exit.")
  private boolean version;

  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help and exit.")
  private boolean help;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec;

  /** Runs the program and ends the JVM with its exit status. */
  public static void main(String[] args) {
    Thread interruption = new Thread(() -> System.err.println("\nspikellm: interrupted"
        + (args.length > 0 && args[0].equals("quantize") ? "; finished blocks are kept, and the same command goes on after them" : "")));
    Runtime.getRuntime().addShutdownHook(interruption);
    int status = run(args);
    Runtime.getRuntime().removeShutdownHook(interruption);
    System.exit(status);
  }

  private static int outOfMemory(OutOfMemoryError e) {
    System.err.println("spikellm: out of memory: " + e.getMessage()
        + "; use a smaller --sequence, fewer --max-tokens, or more heap (SPIKELLM_JAVA_OPTS=-Xmx…)");
    return CommandLine.ExitCode.SOFTWARE;
  }

  /** Runs the program. */
  static int run(String... args) {
    CommandLine program = new CommandLine(new Main());
    program.setCaseInsensitiveEnumValuesAllowed(true).setAbbreviatedOptionsAllowed(false);
    program.setUsageHelpAutoWidth(true).setUsageHelpLongOptionsMaxWidth(32);
    program.setParameterExceptionHandler(Main::wrongCall);
    program.setExecutionExceptionHandler(Main::failure);
    try {
      return program.execute(args);
    } catch (OutOfMemoryError e) {
      return outOfMemory(e);
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected a command, found none");
  }

  private static int wrongCall(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("spikellm: " + e.getMessage());
    CommandLine.UnmatchedArgumentException.printSuggestions(e, err);
    err.println("See '" + command.getCommandSpec().qualifiedName() + " --help'.");
    return CommandLine.ExitCode.USAGE;
  }

  private static int failure(Exception e, CommandLine command, CommandLine.ParseResult parsed) {
    if (e instanceof ParameterException wrong) {
      return wrongCall(wrong, new String[0]);
    }
    command.getErr().println("spikellm: " + message(e));
    if (parsed.originalArgs().contains("--stacktrace")) {
      e.printStackTrace(command.getErr());
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  /** One line: what, where, expected, found, what to do. */
  private static String message(Exception e) {
    return switch (e) {
      case UncheckedIOException io -> message(io.getCause());
      case NoSuchFileException missing -> missing.getFile() + ": not found";
      case AccessDeniedException denied -> denied.getFile() + ": permission denied";
      case IOException io when io.getMessage() != null -> io.getMessage();
      case IllegalArgumentException wrong when wrong.getMessage() != null -> wrong.getMessage();
      default -> "unexpected: " + e + "; run again with --stacktrace and report it";
    };
  }

  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"spikellm 0.1.0-SNAPSHOT", "Java " + Runtime.version()};
    }
  }
}
