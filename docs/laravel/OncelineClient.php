<?php

declare(strict_types=1);

namespace Onceline;

require_once __DIR__ . '/OncelineException.php';

/**
 * Onceline's internal API for PHP 8.1 and newer, with nothing but what php-cli has. A request that was not answered is
 * sent again, the same bytes under the same Idempotency-Key, so it takes effect once. Throws OncelineException.
 */
final class OncelineClient
{
    private const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
    private const FIRST_PAUSE_SECONDS = 0.25;
    private const LONGEST_PAUSE_SECONDS = 5.0;
    /** The request was not done, or nobody knows; 409 is retried only while the first request is in flight. */
    private const RETRIED_STATUSES = [429, 502, 503, 504];
    private const CALLBACK_KEY_LABEL = 'onceline-callback-signature-v1';
    /** HS256 with a shorter secret than its hash is weaker than it looks (RFC 7518 3.2). */
    private const MIN_TOKEN_SECRET_BYTES = 32;

    private string $baseUrl;

    /**
     * @param string $baseUrl http://10.0.0.5:3000, or where the internal API listens
     * @param string $apiKey Onceline's INTERNAL_API_KEY
     * @param float $timeoutSeconds how long an attempt may be without a byte
     * @param int $attempts how often a request is sent at most
     * @param float $patienceSeconds no further attempt begins later than this after the first
     */
    public function __construct(
        string $baseUrl,
        #[\SensitiveParameter] private string $apiKey,
        private float $timeoutSeconds = 10.0,
        private int $attempts = 4,
        private float $patienceSeconds = 20.0,
    ) {
        if (preg_match('#\Ahttps?://[^\s?]+\z#', $baseUrl) !== 1) {
            throw new \InvalidArgumentException('The base URL must begin with http:// or https://.');
        }
        self::requireHeaderValue($apiKey, 'The API key');
        $this->baseUrl = rtrim($baseUrl, '/');
    }

    /**
     * Registers what a customer is going to pay, before the customer is sent to the gateway. The same payment again,
     * under any key, returns the one that stands; other content is refused with payment_differs.
     *
     * @param array<string, mixed> $payment gateway, merchantRef, amountMinor, currency; account, gatewayRef, tripId,
     *     customerId, driverId
     * @param string|null $idempotencyKey stable across repetitions of a job; by default one for this call
     * @return array<string, mixed> the payment as it stands
     */
    public function registerPayment(array $payment, ?string $idempotencyKey = null): array
    {
        return $this->send('POST', '/internal/payments', $payment, $idempotencyKey ?? self::newKey());
    }

    /** Sets the gateway's reference; it can be set once. Returns the payment. */
    public function attachGatewayRef(string $paymentId, string $gatewayRef, ?string $idempotencyKey = null): array
    {
        $path = '/internal/payments/' . rawurlencode($paymentId);
        return $this->send('PATCH', $path, ['gatewayRef' => $gatewayRef], $idempotencyKey ?? self::newKey());
    }

    /** Returns payment, transitions, ledger, balanced, events. */
    public function showPayment(string $paymentId): array
    {
        return $this->send('GET', '/internal/payments/' . rawurlencode($paymentId), null, null);
    }

    /**
     * Did a holder of one of these secrets sign this very body, at most so long ago? Compares in constant time.
     *
     * @param string $body the bytes as they came (in Laravel: $request->getContent()), not decoded and encoded again
     * @param string $header the Onceline-Signature header, '' where there is none
     * @param list<string> $secrets LARAVEL_API_KEY and, during a rotation, the one before
     */
    public static function verifyCallback(
        string $body,
        string $header,
        #[\SensitiveParameter] array $secrets,
        int $nowSeconds,
        int $toleranceSeconds = 300,
    ): bool {
        if (preg_match('/\At=(\d{1,12}),v1=([0-9a-f]{64})\z/', $header, $part) !== 1) {
            return false;
        }
        $isSigned = false;
        foreach ($secrets as $secret) {
            $key = hash_hmac('sha256', self::CALLBACK_KEY_LABEL, $secret, true);
            $matches = hash_equals(hash_hmac('sha256', $part[1] . '.' . $body, $key), $part[2]);
            $isSigned = ($matches && $secret !== '') || $isSigned;
        }
        return $isSigned && abs($nowSeconds - (int) $part[1]) <= $toleranceSeconds;
    }

    /** A token (HS256 JWT, signed with JWT_SECRET) for an app of this user: a customer, driver or admin. */
    public static function mintToken(
        #[\SensitiveParameter] string $secret,
        string $userId,
        string $userType,
        int $nowSeconds,
        int $lifetimeSeconds = 3600,
    ): string {
        if (strlen($secret) < self::MIN_TOKEN_SECRET_BYTES || $userId === '' || $lifetimeSeconds <= 0) {
            throw new \InvalidArgumentException('A token needs a secret of 32 bytes, a user and a lifetime.');
        }
        $claims = ['sub' => $userId, 'user_type' => $userType, 'iat' => $nowSeconds];
        $claims['exp'] = $nowSeconds + $lifetimeSeconds;
        $header = self::json(['alg' => 'HS256', 'typ' => 'JWT']);
        $signed = self::base64Url($header) . '.' . self::base64Url(self::json($claims));
        return $signed . '.' . self::base64Url(hash_hmac('sha256', $signed, $secret, true));
    }

    private function send(string $method, string $path, ?array $body, ?string $key): array
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
        if ($status < 200 || $status >= 300) {
            $isProblem = ($headers['content-type'] ?? '') === 'application/problem+json' && is_array($json);
            return self::refusal($status, $headers, $isProblem ? $json : [], $key);
        }
        // An answer that was cut short says as little as none.
        return is_array($json) ? $json
            : new OncelineException('answer_unreadable', 'The answer is no JSON.', $status, idempotencyKey: $key);
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

    private static function newKey(): string
    {
        return bin2hex(random_bytes(16));
    }

    private static function base64Url(string $bytes): string
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }

    private static function now(): float
    {
        return hrtime(true) / 1e9;
    }
}
