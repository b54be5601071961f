package org.spikellm.launcher.cli;

import java.io.IOException;
import java.io.PrintWriter;
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
    System.exit(run(args));
  }

  /** Runs the program. */
  static int run(String... args) {
    CommandLine program = new CommandLine(new Main());
    program.setCaseInsensitiveEnumValuesAllowed(true).setAbbreviatedOptionsAllowed(false);
    program.setUsageHelpAutoWidth(true).setUsageHelpLongOptionsMaxWidth(32);
    program.setParameterExceptionHandler(Main::wrongCall);
    program.setExecutionExceptionHandler(Main::failure);
    return program.execute(args);
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
