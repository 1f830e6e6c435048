package apogee.interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.stream.Collectors;
import org.apache.rocketmq.filter.util.BloomFilter;

/**
 * Reads lines of error rate, expected number and name (Base64), split by blanks. Writes for each the bits of the map
 * and the positions of the name, split by blanks.
 */
public final class BloomTable {
    private BloomTable() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, false, "UTF-8");
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] fields = line.split(" ");
            String name = new String(Base64.getDecoder().decode(fields[2]), StandardCharsets.UTF_8);
            BloomFilter filter = BloomFilter.createByFn(Integer.parseInt(fields[0]), Integer.parseInt(fields[1]));
            String positions = Arrays.stream(filter.calcBitPositions(name))
                .mapToObj(Integer::toString).collect(Collectors.joining(" "));
            answers.println(filter.getM() + " " + positions);
        }
        answers.flush();
        System.exit(0);
    }
}
