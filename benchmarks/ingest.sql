-- The checks of ``validate`` on order lines, in SQL. Equal lines are one line from the start; ``n`` says how often each
-- stood in the file, and every finding counts lines as they stand in the file.

create table lines as
with file as (
    select *, count(*) as n
    from read_csv('{data}', header = true, all_varchar = true,
                  nullstr = ['', 'null', 'NULL', 'n/a', 'N/A', 'nan', 'NaN'],
                  names = ['order_id', 'product_id', 'product', 'quantity_text', 'date_text', 'price_text',
                           'customer_id', 'country'])
    group by all
)
select *, try_cast(date_text as timestamp) as ordered_at, try_cast(quantity_text as bigint) as quantity,
       (try_cast(replace(price_text, ',', '') as decimal(18, 2)) * 100)::bigint as unit_price,
       quantity * unit_price as amount,
       coalesce(regexp_matches(order_id, '^[Cc]-?[0-9]'), false) as c_number,
       coalesce(regexp_matches(order_id, '^[Rr]-?[0-9]'), false) as r_number,
       coalesce(quantity < 0, false) or coalesce(amount < 0, false) as negative,
       order_id is not null
           or (customer_id is not null and coalesce(ordered_at <> date_trunc('day', ordered_at), false)) as identity
from file;

-- A letter before the number marks cancellations where most orders go without it and hardly any marked line is a sale.
create table rules as
select coalesce(sum(n) filter (c_number) <= 0.5 * sum(n)
           and sum(n) filter (c_number and negative) >= 0.8 * sum(n) filter (c_number), false) as c_cancels,
       coalesce(sum(n) filter (r_number) <= 0.5 * sum(n)
           and sum(n) filter (r_number and negative) >= 0.8 * sum(n) filter (r_number), false) as r_returns,
       sum(n)::bigint as n_rows, sum(n * amount) filter (amount > 0) as gross
from lines;

create table service_ids as
with ids as (select distinct product_id from lines where product_id is not null),
plain as (select product_id, upper(regexp_replace(product_id, '[\s_\-.]', '', 'g')) as code from ids)
select product_id from plain
where code in ({service_codes})
   or (code in ({single_letters}) and (select median(length(product_id)) from ids) >= 4);
create table service_names as
select product from (select distinct product from lines where product is not null)
where regexp_matches(trim(product), '{service_names}');

create table marked as
with told as (
    select *, c_number and c_cancels as cancelled, r_number and r_returns as numbered_return,
           coalesce(product_id in (from service_ids), false) or coalesce(product in (from service_names), false)
               as service
    from lines, rules
)
select *, case when service or unit_price = 0 then 'service' when cancelled then 'cancellation'
               when numbered_return or negative then 'return' else 'sale' end as kind
from told;

-- First and last covered day: a stream of rows that is not yet thin, or no lone date beyond a gap of a year.
create table period as
with counts as (
    select ordered_at::date as day, sum(n) as n from lines where ordered_at is not null group by all
), days as (
    select day, n, sum(n) over (order by day range between interval 6 days preceding and current row) as week,
           sum(n) over (order by day rows between current row and unbounded following) as tail,
           sum(n) over (order by day) as before, day - lag(day) over (order by day) as gap,
           lag(day) over (order by day) as earlier, min(day) over () as start, max(day) over () as stop,
           case when sum(n) over () >= 20 then greatest(1, floor(0.01 * sum(n) over ())) else 0 end as most
    from counts
), ends as (
    select max(day) filter (week >= 0.05 * usual or tail > most or day = start) as thick,
           arg_max(earlier, day) filter (tail <= most and gap > 365 and gap > earlier - start) as before_gap,
           any_value(stop) as stop,
           coalesce(max(day) filter (before - n <= most and gap > 730), any_value(start)) as first_day
    from days, (select median(week) as usual from days)
)
select first_day, case when stop - thick > 30 then thick else coalesce(before_gap, stop) end as last_day from ends;

create table usual_quantity as
with counts as (
    select quantity, sum(n) as n from marked where quantity > 0 and kind = 'sale' group by all
), ranked as (select *, sum(n) over (order by quantity) as upto, sum(n) over () as total from counts)
select greatest(100, 20 * min(quantity) filter (upto > round(0.995 * (total - 1)))) as most
from ranked where total >= 200;

create table jumps as
with prices as (
    select product_id, unit_price, sum(n) as n from marked
    where unit_price > 0 and not service and product_id is not null group by all
), ranked as (
    select *, sum(n) over (partition by product_id order by unit_price) as upto,
           sum(n) over (partition by product_id) as total from prices
), usual as (
    select product_id, (min(unit_price) filter (upto >= (total + 1) // 2)
                        + min(unit_price) filter (upto >= total // 2 + 1)) / 2 as price
    from ranked where total >= 5 group by product_id
), powers as (select product_id, unit_price, log10(unit_price / price) as power from prices join usual using (product_id))
select product_id, unit_price from powers
where abs(power) > 1.5 and abs(power) < 3.5 and abs(power - round(power)) < 0.12;

create table twice as
with orders as (
    select order_id, customer_id, sum(hash(product_id, product, quantity, amount)::hugeint * n) as content,
           sum(n) as n_lines, min(ordered_at) as ordered_at
    from marked where order_id is not null and customer_id is not null and kind = 'sale' group by all
), gaps as (
    select order_id, ordered_at,
           ordered_at - lag(ordered_at) over (
               partition by customer_id, content, n_lines order by ordered_at, order_id) as gap
    from orders
)
select distinct order_id from gaps where gap <= interval 10 minutes and ordered_at <> date_trunc('day', ordered_at);

create table spellings as
with counts as (
    select 'country' as field, country as value, sum(n) as n from lines where country is not null group by all
    union all
    select 'product' as field, product as value, sum(n) as n from lines where product is not null group by all
), folded as (
    select *, trim(regexp_replace(trim(lower(value)), '\s+', ' ', 'g'), ' .,;:_-') as plain from counts
)
select field, value, first_value(value) over (partition by field, plain order by n desc, value) as best from folded
qualify value <> best;

create table test_ids as
select customer_id from (select distinct customer_id from lines where customer_id is not null)
where regexp_matches(customer_id, '{test_pattern}');

create table checked as
select *, ordered_at::date > last_day as future, ordered_at::date < first_day as early,
       case when price_text is not null and unit_price is null then 'not_a_number'
            when quantity_text is not null and quantity is null then 'not_a_number'
            when date_text is not null and ordered_at is null then 'not_a_date'
            when future then 'future_date' when early then 'early_date' when date_text is null then 'missing_date'
            when unit_price < 0 then 'negative_price' end as reason,
       case when reason is null and kind in ('cancellation', 'return')
            then nullif(regexp_extract(order_id, '^[CcRr]-?([0-9].*)$', 1), '') end as original
from marked, period;

create table originals as
select distinct order_id from checked where reason is null and order_id is not null
    and order_id in (select original from checked where original is not null);

copy (
    with kept as (select * from checked where reason is null),
    told_apart as (
        from kept union all from (select kept.* from kept, range(1, n) where n > 1 and not identity)
    )
    select customer_id, order_id, ordered_at, product_id, coalesce(products.best, product) as product, quantity,
           unit_price, amount, coalesce(countries.best, country) as country, kind
    from told_apart
    left join spellings as products on products.field = 'product' and products.value = product
    left join spellings as countries on countries.field = 'country' and countries.value = country
) to '{out}' (format parquet);

copy (
    select reason, order_id, product_id, product, quantity_text, date_text, price_text, customer_id, country
    from checked, range(n) where reason is not null
) to '{quarantine}' (format parquet);
