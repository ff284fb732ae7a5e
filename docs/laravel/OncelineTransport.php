<?php

declare(strict_types=1);

namespace Onceline;

require_once __DIR__ . '/OncelineException.php';

/**
 * How OncelineClient asks: a request that was not answered is sent again, the same bytes under the same Idempotency-Key, with
 * growing pauses and within bounds. Plain PHP streams, no extension.
 */
final class OncelineTransport
{
    private const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
    private const FIRST_PAUSE_SECONDS = 0.25;
    private const LONGEST_PAUSE_SECONDS = 5.0;
    /** The request was not done, or nobody knows; 409 is retried only while the first request is in flight. */
    private const RETRIED_STATUSES = [429, 502, 503, 504];

    private string $baseUrl;

    /** The arguments are OncelineClient's. */
    public function __construct(
        string $baseUrl,
        #[\SensitiveParameter] private string $apiKey,
        private float $timeoutSeconds,
        private int $attempts,
        private float $patienceSeconds,
    ) {
        if (preg_match('#\Ahttps?://[^\s?]+\z#', $baseUrl) !== 1) {
            throw new \InvalidArgumentException('The base URL must begin with http:// or https://.');
        }
        self::requireHeaderValue($apiKey, 'The API key');
        $this->baseUrl = rtrim($baseUrl, '/');
    }

    /**
     * @param array<string, mixed>|null $body the members of a JSON object; null for none
     * @param string|null $key the Idempotency-Key; null for a request that changes nothing
     * @return array<string, mixed> the answer. Throws OncelineException
     */
    public function send(string $method, string $path, ?array $body, ?string $key): array
    {
        if ($key !== null) {
            self::requireHeaderValue($key, 'An Idempotency-Key');
        }
        $content = $body === null ? null : self::json($body);
        $deadline = self::now() + $this->patienceSeconds;
        for ($attempt = 1; ; $attempt += 1) {
            $answer = $this->ask($method, $path, $content, $key);
            if (is_array($answer)) {
                return $answer;
            }
            $pause = self::pause($attempt, $answer->retryAfterSeconds);
            if ($attempt >= $this->attempts || !self::isRetried($answer) || self::now() + $pause > $deadline) {
                throw $answer;
            }
            usleep((int) ($pause * 1_000_000));
        }
    }

    /** One attempt: the decoded answer of a success, otherwise what went wrong. */
    private function ask(string $method, string $path, ?string $content, ?string $key): array|OncelineException
    {
        $stream = @fopen($this->baseUrl . $path, 'rb', false, $this->context($method, $content, $key));
        if ($stream === false) {
            return new OncelineException('no_answer', 'Onceline did not answer.', idempotencyKey: $key);
        }
        $lines = stream_get_meta_data($stream)['wrapper_data'] ?? [];
        $text = stream_get_contents($stream, self::MAX_ANSWER_BYTES);
        fclose($stream);
        [$status, $headers] = self::parseHead($lines);
        $json = json_decode((string) $text, true);
        $isSuccess = $status >= 200 && $status < 300;
        $isProblem = ($headers['content-type'] ?? '') === 'application/problem+json';
        if (($isSuccess || $isProblem) && !is_array($json)) {
            // An answer that was cut short says as little as none.
            $unreadable = ['code' => 'answer_unreadable', 'detail' => 'The answer is no JSON.'];
            return self::refusal($status, $headers, $unreadable, $key);
        }
        return $isSuccess ? $json : self::refusal($status, $headers, $isProblem ? $json : [], $key);
    }

    /** @return resource */
    private function context(string $method, ?string $content, ?string $key)
    {
        $headers = ["X-API-Key: $this->apiKey", 'Accept: application/json', 'Connection: close'];
        if ($content !== null) {
            $headers[] = 'Content-Type: application/json';
        }
        if ($key !== null) {
            $headers[] = "Idempotency-Key: $key";
        }
        $http = [
            'method' => $method,
            'header' => $headers,
            'protocol_version' => 1.1,
            'timeout' => $this->timeoutSeconds,
            'ignore_errors' => true,
            'follow_location' => 0,
        ];
        return stream_context_create(['http' => $http + ($content === null ? [] : ['content' => $content])]);
    }

    /** @return array{int, array<string, string>} status, and headers by their lower-case names */
    private static function parseHead(array $lines): array
    {
        $status = 0;
        $headers = [];
        foreach ($lines as $line) {
            if (preg_match('#\AHTTP/\S+ (\d{3})#', $line, $part) === 1) {
                [$status, $headers] = [(int) $part[1], []];
            } elseif (str_contains($line, ':')) {
                [$name, $value] = explode(':', $line, 2);
                $headers[strtolower($name)] = trim($value);
            }
        }
        return [$status, $headers];
    }

    private static function refusal(int $status, array $headers, array $problem, ?string $key): OncelineException
    {
        $retryAfter = $headers['retry-after'] ?? '';
        return new OncelineException(
            $problem['code'] ?? 'unexpected_answer',
            $problem['detail'] ?? "HTTP $status",
            $status,
            $problem['requestId'] ?? $headers['x-request-id'] ?? null,
            $problem['errors'] ?? [],
            $problem['fields'] ?? [],
            $key,
            preg_match('/\A\d{1,6}\z/', $retryAfter) === 1 ? (int) $retryAfter : null,
        );
    }

    private static function isRetried(OncelineException $answer): bool
    {
        return in_array($answer->problemCode, ['no_answer', 'answer_unreadable', 'idempotency_in_flight'], true)
            || in_array($answer->status, self::RETRIED_STATUSES, true);
    }

    /** Seconds before the next attempt: doubled each time, with jitter, and never less than Onceline asked for. */
    private static function pause(int $attempt, ?int $retryAfterSeconds): float
    {
        $longest = min(self::FIRST_PAUSE_SECONDS * 2 ** ($attempt - 1), self::LONGEST_PAUSE_SECONDS);
        return max((float) ($retryAfterSeconds ?? 0), $longest * random_int(500, 1000) / 1000);
    }

    private static function requireHeaderValue(#[\SensitiveParameter] string $value, string $what): void
    {
        if (preg_match('/\A[\x21-\x7e]{1,255}\z/', $value) !== 1) {
            throw new \InvalidArgumentException("$what is 1 to 255 visible ASCII characters.");
        }
    }

    private static function json(array $members): string
    {
        return json_encode((object) $members, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
    }

    private static function now(): float
    {
        return hrtime(true) / 1e9;
    }
}
