<?php

declare(strict_types=1);

namespace Onceline;

require_once __DIR__ . '/OncelineException.php';
require_once __DIR__ . '/OncelineTransport.php';

/**
 * Onceline's internal API for PHP 8.1 and newer, with nothing but what php-cli has. A request that was not answered is
 * sent again, the same bytes under the same Idempotency-Key, so it takes effect once. Throws OncelineException.
 */
final class OncelineClient
{
    private OncelineTransport $transport;

    /**
     * @param string $baseUrl http://10.0.0.5:3000, or where the internal API listens
     * @param string $apiKey Onceline's INTERNAL_API_KEY
     * @param float $timeoutSeconds how long an attempt may be without a byte
     * @param int $attempts how often a request is sent at most
     * @param float $patienceSeconds no further attempt begins later than this after the first
     */
    public function __construct(
        string $baseUrl,
        #[\SensitiveParameter] string $apiKey,
        float $timeoutSeconds = 10.0,
        int $attempts = 4,
        float $patienceSeconds = 20.0,
    ) {
        $this->transport = new OncelineTransport($baseUrl, $apiKey, $timeoutSeconds, $attempts, $patienceSeconds);
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
        return $this->change('POST', '/internal/payments', $payment, $idempotencyKey);
    }

    /** Sets the gateway's reference; it can be set once. Returns the payment. */
    public function attachGatewayRef(string $paymentId, string $gatewayRef, ?string $idempotencyKey = null): array
    {
        $path = '/internal/payments/' . rawurlencode($paymentId);
        return $this->change('PATCH', $path, ['gatewayRef' => $gatewayRef], $idempotencyKey);
    }

    /** Returns payment, transitions, ledger, balanced, events. */
    public function showPayment(string $paymentId): array
    {
        return $this->transport->send('GET', '/internal/payments/' . rawurlencode($paymentId), null, null);
    }

    /**
     * Creates a trip, or takes up the one that Laravel has stored under this tripId. The same trip again, under any key,
     * returns the one that stands; other content is refused with trip_differs.
     *
     * @param array<string, mixed> $trip customerId, zoneId, category, pickup and destination (latitude, longitude,
     *     address), estimatedFareMinor, currency; tripId, paymentMethod, policy
     * @return array<string, mixed> the trip: id, status, …
     */
    public function createTrip(array $trip, ?string $idempotencyKey = null): array
    {
        return $this->change('POST', '/internal/trips', $trip, $idempotencyKey);
    }

    /**
     * Cancels a trip; one that is cancelled already is returned as it stands. With redispatch a driver gives it up before the
     * start: it waits again, and another driver is looked for.
     *
     * @param string $by customer, driver or system
     * @param array<string, mixed> $more reason, driverId; by a driver redispatch
     */
    public function cancelTrip(string $tripId, string $by, array $more = [], ?string $idempotencyKey = null): array
    {
        return $this->change('POST', self::tripPath($tripId, '/cancel'), ['by' => $by] + $more, $idempotencyKey);
    }

    /**
     * Says that a trip has moved, which Laravel may have written itself, before or after.
     *
     * @param string $transition arrived, started, completed, returning or returned
     * @param array<string, mixed> $more driverId, reason; of a completed trip finalFareMinor and currency
     */
    public function moveTrip(
        string $tripId,
        string $transition,
        array $more = [],
        ?string $idempotencyKey = null,
    ): array {
        $body = ['transition' => $transition] + $more;
        return $this->change('POST', self::tripPath($tripId, '/transition'), $body, $idempotencyKey);
    }

    /** A driver accepts a trip that was offered to him; trip_taken, driver_busy or offer_expired where he comes too late. */
    public function acceptTrip(
        string $tripId,
        string $driverId,
        string $offerId,
        ?string $idempotencyKey = null,
    ): array {
        $body = ['driverId' => $driverId, 'offerId' => $offerId];
        return $this->change('POST', self::tripPath($tripId, '/accept'), $body, $idempotencyKey);
    }

    /** Returns trip, transitions, offers, bids. */
    public function showTrip(string $tripId): array
    {
        return $this->transport->send('GET', self::tripPath($tripId), null, null);
    }

    /**
     * Tells users something over their sockets. Durable: it is kept in each user's feed, and whoever is away gets it when
     * he comes back; otherwise those who are connected now are told, once at most.
     *
     * @param list<string> $userIds a thousand at most, each once
     * @param string $event the name that the apps know: promo:new
     * @param array<string, mixed> $data members of a JSON object
     * @return array<string, mixed> event, durable, users
     */
    public function notify(
        array $userIds,
        string $event,
        array $data,
        bool $durable = false,
        ?string $idempotencyKey = null,
    ): array {
        // Without members PHP would write a list.
        $body = ['userIds' => $userIds, 'event' => $event, 'data' => (object) $data, 'durable' => $durable];
        return $this->change('POST', '/internal/notify', $body, $idempotencyKey);
    }

    private static function tripPath(string $tripId, string $command = ''): string
    {
        return '/internal/trips/' . rawurlencode($tripId) . $command;
    }

    /** Without a key of the caller's own, the repetitions of this one call share a new one. */
    private function change(string $method, string $path, array $body, ?string $idempotencyKey): array
    {
        return $this->transport->send($method, $path, $body, $idempotencyKey ?? bin2hex(random_bytes(16)));
    }
}
