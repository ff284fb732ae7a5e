<?php

declare(strict_types=1);

namespace Onceline;

/** What Onceline signs: its callbacks. */
final class OncelineSignature
{
    private const CALLBACK_KEY_LABEL = 'onceline-callback-signature-v1';

    /**
     * Did a holder of one of these secrets sign this very body, at most so long ago? Compares in constant time.
     *
     * @param string $body the bytes as they came (in Laravel: $request->getContent()), not decoded and encoded again
     * @param string $header the Onceline-Signature header, '' where there is none
     * @param list<string> $secrets LARAVEL_API_KEY and, during a rotation, the one before
     */
    public static function verify(
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
}
