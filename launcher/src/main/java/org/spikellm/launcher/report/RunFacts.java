package org.spikellm.launcher.report;

import java.time.Instant;

/**
 * What only the run itself knows: the checkpoint does not tell where and when it was made.
 *
 * @param program name and version of the program, and of the Java that ran it
 * @param backend the backend's id
 * @param device what it ran on
 * @param threads its threads
 * @param seconds how long the quantization took
 * @param resumed blocks of an earlier run that this one went on from
 * @param finished when it was done
 */
public record RunFacts(String program, String backend, String device, int threads, double seconds, int resumed,
    Instant finished) {}
