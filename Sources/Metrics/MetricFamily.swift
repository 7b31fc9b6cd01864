/// One metric with all its label sets, as Prometheus counts: https://prometheus.io/docs/concepts/data_model
public struct MetricFamily: Sendable, Equatable {
    /// What a metric's value means.
    public enum Kind: String, Sendable {
        /// Only rises.
        case counter
        /// Rises and falls.
        case gauge
        /// Counts observations by size.
        case histogram
    }

    /// One label set and its value.
    public struct Sample: Sendable, Equatable {
        /// Names and values, in the order in which they are printed.
        public let labels: [Label]
        /// A number, or the counts of a histogram.
        public var value: Value

        /// Makes a sample.
        public init(_ labels: [Label], _ value: Value) {
            self.labels = labels
            self.value = value
        }
    }

    /// A label.
    public struct Label: Sendable, Hashable {
        let name: String
        let value: String

        /// Makes a label; the name consists of letters, digits and underscores.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What a sample holds.
    public enum Value: Sendable, Equatable {
        /// A count or a level.
        case number(Double)
        /// The counts of a histogram.
        case histogram(HistogramCounts)
    }

    /// The name: letters, digits and underscores, with its unit, and `_total` for a counter.
    public let name: String
    /// What it counts, in a sentence.
    public let help: String
    /// What its values mean.
    public let kind: Kind
    /// Its label sets.
    public private(set) var samples: [Sample]

    /// Makes a family.
    public init(_ name: String, _ kind: Kind, help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// Adds the samples of the same family of another loop: equal label sets are summed.
    mutating func merge(_ other: MetricFamily) {
        for sample in other.samples {
            guard let index = samples.firstIndex(where: { $0.labels == sample.labels }) else {
                samples.append(sample)
                continue
            }
            switch (samples[index].value, sample.value) {
            case (.number(let left), .number(let right)):
                samples[index].value = .number(left + right)
            case (.histogram(var left), .histogram(let right)):
                left.merge(right)
                samples[index].value = .histogram(left)
            default: break
            }
        }
    }

    /// One family for each name, over all loops, in the order in which the first loop has them.
    public static func merged(_ loops: [[MetricFamily]]) -> [MetricFamily] {
        var families: [MetricFamily] = []
        for family in loops.joined() {
            if let index = families.firstIndex(where: { $0.name == family.name }) {
                families[index].merge(family)
            } else {
                families.append(family)
            }
        }
        return families
    }
}
